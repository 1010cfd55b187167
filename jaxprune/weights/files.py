"""Arrays of a file of weights, by name. Nothing of a file is ever run: no pickles but PyTorch's own weights.

Formats: NumPy (.npy, .npz), safetensors (the package ``safetensors``), and PyTorch (.pt, .pth, where torch is installed).
"""

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

Arrays = dict[str, np.ndarray]
BEGINNINGS = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")  # of .npy, of .npz, and of an .npz without arrays
FOREIGN = {  # kinds of safetensors that NumPy lacks
    "BF16": np.dtype(jnp.bfloat16),
    "F8_E4M3": np.dtype(jnp.float8_e4m3fn),
    "F8_E5M2": np.dtype(jnp.float8_e5m2),
}


def read(file: str | Path) -> Arrays:
    """The arrays of a file, by name, in the order in which they are there.

    Args:
        file: A path that ends in .npy, .npz, .safetensors, .pt or .pth.

    Returns:
        Name -> array; arrays as they are, those of safetensors and PyTorch with fewer than 32 bits as float32.

    Raises:
        FileNotFoundError: Where there is no such file.
        ValueError: For another format, a broken file, one that holds anything but arrays, and one without any.
        ImportError: Where the package that reads the format is not installed.
    """
    path = Path(file)
    if not path.exists():
        raise FileNotFoundError(f"file: {path} does not exist; name a file of weights ({', '.join(READERS)})")
    if not path.is_file():
        raise ValueError(f"file: {path} is not a file; name a file of weights ({', '.join(READERS)})")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"file: {path} ends in {path.suffix or 'nothing'!r}; use one of {', '.join(READERS)}")
    arrays = reader(path)
    if not arrays:
        raise ValueError(f"file: {path} holds no array")
    return arrays


def _numpy(path: Path) -> Arrays:
    with path.open("rb") as file:
        beginning = file.read(max(map(len, BEGINNINGS)))
    if not beginning.startswith(BEGINNINGS):
        raise ValueError(f"file: {path} is no NumPy file, whatever its name; write one by np.savez(file, name=array)")
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {path.stem: found}
        with found as archive:
            names, arrays = archive.files, {name: archive[name] for name in archive.files}
    except Exception as error:  # of many classes: those of archives, of codecs, and of the parser of headers
        why = "it holds Python objects, which could run code" if "allow_pickle" in str(error) else _first_line(error)
        raise ValueError(f"file: {path} is no file of NumPy arrays ({why}); write it by np.savez(file, name=array)") from error
    for name, array in arrays.items():
        if names.count(name) > 1 or not isinstance(array, np.ndarray):
            why = f"{names.count(name)} arrays named {name!r}" if isinstance(array, np.ndarray) else f"{name!r}, no array"
            raise ValueError(f"file: {path} holds {why}; write it by np.savez(file, name=array)")
    return arrays


def _safetensors(path: Path) -> Arrays:
    try:
        from safetensors import safe_open
    except ImportError as error:
        raise ImportError("file: .safetensors needs the package safetensors: pip install safetensors") from error
    try:
        with safe_open(path, framework="numpy") as archive:
            names = list(archive.keys())
            foreign = {name: kind for name in names if (kind := archive.get_slice(name).get_dtype()) in FOREIGN}
            arrays = {name: archive.get_tensor(name) for name in names if name not in foreign}
        arrays |= _foreign(path, foreign) if foreign else {}
    except Exception as error:  # Rust's, NumPy's and of dtypes that neither has
        raise ValueError(f"file: {path} is no file of safetensors that can be read ({_first_line(error)})") from error
    return {name: _single(arrays[name]) for name in names}


def _foreign(path: Path, kinds: Mapping[str, str]) -> Arrays:
    """Numbers of which NumPy has no kind, as float32."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, start, found = json.loads(data[8 : 8 + length]), 8 + length, {}
    for name, kind in kinds.items():
        low, high = header[name]["data_offsets"]
        numbers = np.frombuffer(data[start + low : start + high], FOREIGN[kind])
        found[name] = numbers.astype(np.float32).reshape(header[name]["shape"])
    return found


def _torch(path: Path) -> Arrays:
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "file: .pt needs the package torch: pip install torch; or save it there by safetensors.torch.save_file"
        ) from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many classes, pickle's among them
        raise ValueError(
            f"file: {path} holds more than weights, or is broken ({_first_line(error)}); write it by"
            " torch.save(model.state_dict(), file): nothing else is read, since it could run code"
        ) from error
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not all(torch.is_tensor(value) for value in found.values()):
        raise ValueError(f"file: {path} is no state_dict of tensors; write it by torch.save(model.state_dict(), file)")
    return {str(name): _plain(value) for name, value in found.items()}


def _plain(tensor: Any) -> np.ndarray:
    if tensor.is_sparse or tensor.is_quantized:
        tensor = tensor.to_dense() if tensor.is_sparse else tensor.dequantize()
    tensor = tensor.detach()
    return (tensor.float() if tensor.is_floating_point() and tensor.element_size() < 4 else tensor).numpy()


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _first_line(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return words[0][:200] if words else type(error).__name__


READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npz": _numpy,
    ".npy": _numpy,
    ".safetensors": _safetensors,
    ".pt": _torch,
    ".pth": _torch,
}
