"""Readers of data files against tiny files written in the real formats, whole and broken."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from jaxprune import datasets
from jaxprune.sweep.experiment import load_file

RNG = np.random.default_rng(0)


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def cifar(images, labels):
    return b"".join(bytes([y]) + x.transpose(2, 0, 1).tobytes() for x, y in zip(images, labels, strict=True))


def write_mnist(folder, packed=False):
    """Five training and three test images; returns all pixels and labels."""
    images = RNG.integers(0, 256, (8, 28, 28), dtype="u1")
    labels = np.array([3, 0, 9, 1, 5, 2, 2, 7], "u1")
    for part, chosen in (("train", slice(5)), ("t10k", slice(5, 8))):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            raw = idx(array[chosen])
            file = folder / f"{part}-{name}-ubyte{'.gz' if packed else ''}"
            file.write_bytes(gzip.compress(raw) if packed else raw)
    return images, labels


def write_cifar10(folder, batches=(1, 2, 3, 4, 5), packed=False):
    """Two images per batch."""
    images, labels = RNG.integers(0, 256, (2 * len(batches) + 2, 32, 32, 3), dtype="u1"), []
    for i, name in enumerate([*(f"data_batch_{b}.bin" for b in batches), "test_batch.bin"]):
        labels += [i % 10, 9]
        raw = cifar(images[2 * i : 2 * i + 2], labels[-2:])
        (folder / f"{name}{'.gz' if packed else ''}").write_bytes(gzip.compress(raw) if packed else raw)
    return images, np.array(labels)


def check(found, images, labels):
    inputs, one_hot = found
    assert inputs.dtype == one_hot.dtype == np.float32
    np.testing.assert_allclose(inputs, images / 255, rtol=1e-6)
    np.testing.assert_array_equal(one_hot, np.eye(10)[labels])


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, packed):
    images, labels = write_mnist(tmp_path, packed)
    check(datasets.mnist(tmp_path), images.reshape(8, 784), labels)
    check(datasets.mnist(str(tmp_path)), images.reshape(8, 784), labels)


def test_the_network_experiment_takes_a_folder(tmp_path):
    write_mnist(tmp_path)
    sim = load_file(Path(__file__).parents[1] / "sims" / "network_double_descent.py")
    problem = sim.make(data=str(tmp_path), n=5, label_noise=0.2, rate=0.01, steps=3)
    assert problem.data.inputs.shape == (8, 784)
    assert np.mean(np.asarray(problem.data.inputs) ** 2) == pytest.approx(1, rel=1e-5)
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        sim.make(data=str(tmp_path / "nowhere"), n=5, label_noise=0.2, rate=0.01, steps=3)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("batches", [(1, 2, 3, 4, 5), (2,), (1, 5)])
def test_cifar10(tmp_path, packed, batches):
    images, labels = write_cifar10(tmp_path, batches, packed)
    check(datasets.cifar10(tmp_path), images, labels)


def test_idx_of_every_type(tmp_path):
    for code, kind in datasets.IDX_TYPES.items():
        array = np.arange(6).reshape(2, 3).astype(kind)
        (tmp_path / "a").write_bytes(b"\0\0" + bytes([code, 2]) + struct.pack(">2I", 2, 3) + array.tobytes())
        found = datasets.read_idx(tmp_path / "a")
        assert found.dtype == np.dtype(kind) and np.array_equal(found, array)


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", "not the magic number"),
        (b"\0\0\x07\x01\0\0\0\0", "not the magic number"),
        (b"PK\x03\x04", "50 4b 03 04, which is not the magic number"),
        (b"\0\0\x08\x03\0\0", "end before the 3 sizes"),
        (idx(np.zeros((2, 3), "u1"))[:-1], "17 bytes, but an array of shape .2, 3. takes 18"),
        (idx(np.zeros((2, 3), "u1")) + b"\0", "19 bytes"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "takes 3402823"),
        (gzip.compress(idx(np.zeros((2, 3), "u1")), mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_bad_idx(tmp_path, raw, words):
    (tmp_path / "bad").write_bytes(raw)
    with pytest.raises(ValueError, match=f"bad: .*{words}"):
        datasets.read_idx(tmp_path / "bad")


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", "0 bytes are no multiple of 3073"),
        (b"\0" * 3072, "3072 bytes are no multiple of 3073"),
        (b"\x0a" + b"\0" * 3072, "holds the label 10"),
        (gzip.compress(b"\0" * 3073, mtime=0)[:-4], "damaged gzip"),
    ],
)
def test_bad_cifar10(tmp_path, raw, words):
    (tmp_path / "bad.bin").write_bytes(raw)
    with pytest.raises(ValueError, match=f"bad.bin: .*{words}"):
        datasets.read_cifar10(tmp_path / "bad.bin")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not hold train-images-idx3-ubyte, with or without .gz"):
        datasets.mnist(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not hold any of data_batch_1.bin to data_batch_5.bin"):
        datasets.cifar10(tmp_path / "nowhere")
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        datasets.mnist(tmp_path)
    write_cifar10(tmp_path)
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(FileNotFoundError, match="test_batch.bin"):
        datasets.cifar10(tmp_path)


@pytest.mark.parametrize(
    "name, array, words",
    [
        ("train-labels-idx1-ubyte", np.zeros(4, "u1"), r"\(4,\) are not the labels of images of shape \(5, 28, 28\)"),
        ("train-labels-idx1-ubyte", np.zeros((5, 1), "u1"), "are not the labels"),
        ("train-labels-idx1-ubyte", np.full(5, 10, "u1"), "holds the label 10"),
        ("train-images-idx3-ubyte", np.zeros((5, 784), "u1"), "are not the labels"),
        ("t10k-images-idx3-ubyte", np.zeros((3, 8, 8), "u1"), "differ in size"),
    ],
)
def test_mnist_files_that_do_not_fit(tmp_path, name, array, words):
    write_mnist(tmp_path)
    (tmp_path / name).write_bytes(idx(array))
    with pytest.raises(ValueError, match=words):
        datasets.mnist(tmp_path)


def write_ecg5000(folder, kind=".txt"):
    """Four training and three test heartbeats; returns the whole table, the class first."""
    table = np.c_[[1.0, 2, 5, 1, 3, 4, 1], RNG.standard_normal((7, 140))]
    for name, part in (("ECG5000_TRAIN", table[:4]), ("ECG5000_TEST", table[4:])):
        file = folder / f"{name}{kind}"
        if kind == ".npy":
            np.save(file, part)
            continue
        gap = {".txt": "  ", ".txt.gz": ",", ".tsv": "\t"}[kind]
        text = "\n".join(gap.join(f"{v:.17e}" for v in row) for row in part).encode()
        file.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    return table


@pytest.mark.parametrize("kind", [".txt", ".txt.gz", ".tsv", ".npy"])
def test_ecg5000(tmp_path, kind):
    table = write_ecg5000(tmp_path, kind)
    inputs, labels = datasets.ecg5000(tmp_path)
    np.testing.assert_array_equal(inputs, table[:, 1:])
    np.testing.assert_array_equal(labels, np.c_[table[:, 0] == 1, table[:, 0] != 1])
    for name in ("heavy_tailed_sgd", "released_code"):
        found, classes = load_file(Path(__file__).parents[1] / "sims" / f"{name}.py").images(f"ecg5000:{tmp_path}")
        assert found.shape == (7, 140) and classes.shape == (7, 2)


@pytest.mark.parametrize(
    "row, words",
    [
        ("1 2 3", "shape .1, 3. is not that"),
        ("1 x", "not a table of numbers"),
        ("6 " + "0 " * 140, "class 6"),
        ("1 nan " + "0 " * 139, "finite"),
    ],
)
def test_bad_ecg5000(tmp_path, row, words):
    write_ecg5000(tmp_path)
    (tmp_path / "ECG5000_TEST.txt").write_text(row)
    with pytest.raises(ValueError, match=f"ECG5000_TEST.txt: .*{words}"):
        datasets.ecg5000(tmp_path)


def test_missing_ecg5000(tmp_path):
    with pytest.raises(FileNotFoundError, match="ECG5000_TRAIN.txt, .tsv or .npy"):
        datasets.ecg5000(tmp_path)


def test_synthetic_signals_are_two_classes_that_can_be_told_apart():
    signals, labels = datasets.synthetic_two_class_signals(400, seed=1)
    assert signals.shape == (400, 140) and labels.shape == (400, 2) and labels.sum(0).tolist() == [200, 200]
    again, other = (datasets.synthetic_two_class_signals(400, seed=s)[0] for s in (1, 2))
    assert np.array_equal(signals, again) and not np.array_equal(signals, other)
    first, last = labels[:200, 1] == 1, labels[200:, 1] == 1
    means = [signals[:200][chosen].mean(0) for chosen in (~first, first)]
    distance = [((signals[200:] - mean) ** 2).sum(1) for mean in means]
    assert 0.8 < np.mean((distance[1] < distance[0]) == last) < 1.0
    for samples in (1, 2.0, True):
        with pytest.raises(ValueError, match="^samples: "):
            datasets.synthetic_two_class_signals(samples, seed=0)


@pytest.mark.parametrize("name", ["heavy_tailed_sgd", "released_code"])
def test_data_of_an_unknown_name_are_not_digits(name):
    with pytest.raises(ValueError, match="data: 'cifar100'"):
        load_file(Path(__file__).parents[1] / "sims" / f"{name}.py").images("cifar100")


@pytest.mark.parametrize("name", ["heavy_tailed_sgd", "released_code"])
def test_networks_under_noise_take_images_of_your_own(tmp_path, name):
    images, _ = write_cifar10(tmp_path, (1,), False)
    inputs, labels = load_file(Path(__file__).parents[1] / "sims" / f"{name}.py").images(f"cifar10:{tmp_path}")
    assert inputs.shape == (len(images), 3072) and len(labels) == len(images)
