"""Files of weights: what is read comes back as it was written, and nothing of a file is run."""

import io
import json
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxprune.weights import files

RNG = np.random.default_rng(3)
ARRAYS = {"a.weight": RNG.standard_normal((4, 3)).astype(np.float32), "a.bias": np.arange(4.0)}


def same(found, arrays):
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_numpy_and_safetensors_come_back(tmp_path):
    np.savez(tmp_path / "net.npz", **ARRAYS)
    same(files.read(tmp_path / "net.npz"), ARRAYS)
    np.save(tmp_path / "layer.npy", ARRAYS["a.weight"])
    same(files.read(tmp_path / "layer.npy"), {"layer": ARRAYS["a.weight"]})
    save_file(ARRAYS, tmp_path / "net.safetensors")
    same(dict(sorted(files.read(tmp_path / "net.safetensors").items())), dict(sorted(ARRAYS.items())))


def test_short_floats_are_widened(tmp_path):
    save_file({"h": np.array([[1.5, -2.0]], np.float16)}, tmp_path / "half.safetensors")
    found = files.read(tmp_path / "half.safetensors")["h"]
    assert found.dtype == np.float32 and found.tolist() == [[1.5, -2.0]]
    header = json.dumps({"b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}).encode()
    halves = (np.array([1.5, -3.0], np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    (tmp_path / "brain.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + halves)
    found = files.read(tmp_path / "brain.safetensors")["b"]
    assert found.dtype == np.float32 and found.tolist() == [[1.5, -3.0]]
    header = json.dumps({"e": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "eight.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes([0x38, 0xC4]))  # 1, -3
    assert files.read(tmp_path / "eight.safetensors")["e"].tolist() == [1.0, -3.0]


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return print, ("code of a file was run",)


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("net.npz", b"PK\x03\x04 broken", "no file of NumPy arrays"),
        ("net.npz", b"", "is no NumPy file"),
        ("net.npz", b"only a text\n", "is no NumPy file"),
        ("net.npy", pickle.dumps({"w": 1}), "is no NumPy file"),
        ("net.npy", b"\x93NUMPY", "no file of NumPy arrays"),
        ("net.safetensors", b"\xff" * 64, "no file of safetensors"),
        ("net.safetensors", b"", "no file of safetensors"),
        ("net.txt", b"1 2", "ends in '.txt'; use one of .npz"),
        ("net", b"1 2", "ends in 'nothing'"),
    ],
)
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match="^file: ") as error:
        files.read(tmp_path / name)
    assert words in str(error.value)


def test_archives_that_are_locked_or_cut_are_refused(tmp_path):
    np.savez_compressed(tmp_path / "net.npz", a=np.arange(1000.0))
    data = bytearray((tmp_path / "net.npz").read_bytes())
    data[6] |= 1  # encrypted
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    (tmp_path / "locked.npz").write_bytes(data)
    other = bytearray((tmp_path / "net.npz").read_bytes())
    other[8] = other[central + 10] = 99  # a method of compression that nobody has
    (tmp_path / "method.npz").write_bytes(other)
    (tmp_path / "header.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((((\n")
    for name in ("locked.npz", "method.npz", "header.npy"):
        with pytest.raises(ValueError, match="^file: .* is no file of NumPy arrays"):
            files.read(tmp_path / name)


def test_two_arrays_of_a_name_and_texts_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "twice.npz", "w") as archive:
        for name in ("w.npy", "w"):  # both are read as w
            archive.writestr(name, _npy(np.ones((2, 2))))
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("w.npy", _npy(np.ones((2, 2))))
        archive.writestr("read.me", "words")
    for name, words in (("twice", "holds 2 arrays named 'w'"), ("text", "holds 'read.me', no array")):
        with pytest.raises(ValueError, match=f"^file: .*{name}.npz {words}"):
            files.read(tmp_path / f"{name}.npz")


def _npy(array):
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def test_what_is_no_file_and_empty_archives_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; name a file of weights"):
        files.read(tmp_path / "nothing.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ValueError, match="is not a file"):
        files.read(tmp_path / "folder.npz")
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(ValueError, match="holds no array"):
        files.read(tmp_path / "empty.npz")


def test_pickles_are_not_run(tmp_path, capsys):
    np.save(tmp_path / "evil.npy", np.array([Evil()], object), allow_pickle=True)
    np.savez(tmp_path / "evil.npz", x=np.array([Evil()], object))
    for name in ("evil.npy", "evil.npz"):
        with pytest.raises(ValueError, match="could run code"):
            files.read(tmp_path / name)
    assert "was run" not in capsys.readouterr().out


class Tensor:
    """As little of a tensor of PyTorch as is used."""

    is_sparse = is_quantized = False

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    def float(self):
        return Tensor(self.array.astype(np.float32))

    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def element_size(self):
        return self.array.dtype.itemsize

    def numpy(self):
        return self.array


@pytest.fixture
def torch(monkeypatch):
    """A stand-in that loads what it is told to; weights_only must be asked for."""
    found = types.SimpleNamespace(value=None)

    def load(path, map_location, weights_only):
        assert map_location == "cpu" and weights_only is True
        if isinstance(found.value, Exception):
            raise found.value
        return found.value

    module = types.ModuleType("torch")
    module.load, module.is_tensor = load, lambda value: isinstance(value, Tensor)
    monkeypatch.setitem(sys.modules, "torch", module)
    return found


def test_state_dictionaries_of_pytorch(tmp_path, torch):
    file = tmp_path / "net.pt"
    file.write_bytes(b"anything")
    torch.value = {"w": Tensor(np.ones((2, 3), np.float16)), "n": Tensor(np.array(3))}
    found = files.read(file)
    assert found["w"].dtype == np.float32 and found["n"].dtype.kind == "i"
    torch.value = {"state_dict": torch.value, "epoch": 3}
    assert list(files.read(file)) == ["w", "n"]
    torch.value = {"w": [1, 2]}
    with pytest.raises(ValueError, match="no state_dict of tensors"):
        files.read(file)
    torch.value = pickle.UnpicklingError("Weights only load failed.\nmore")
    with pytest.raises(ValueError, match="could run code") as error:
        files.read(file)
    assert "\n" not in str(error.value)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    for name, package in (("net.pt", "torch"), ("net.safetensors", "safetensors")):
        (tmp_path / name).write_bytes(b"x")
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ImportError, match=f"pip install {package}"):
            files.read(tmp_path / name)
