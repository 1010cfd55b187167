"""Values between the driver and a worker process: pickles whose arrays travel as they are, and parcels that travel once."""

import collections
import dataclasses
import io
import pickle
import struct
from typing import Any, BinaryIO

HOLD = 2**28  # bytes of parcels that a worker keeps for later calls
NUMBER = struct.Struct("<Q")


@dataclasses.dataclass(frozen=True, eq=False)
class Parcel:
    """Something that many calls share. ``size``: about how many bytes it has."""

    digest: str
    value: Any
    size: int


class _Held:
    """The parcels that a worker has. Both ends of its pipes keep this record by the same rule, so that they agree."""

    def __init__(self) -> None:
        self._parcels: collections.OrderedDict[str, Parcel] = collections.OrderedDict()
        self._named: set[str] = set()

    def __contains__(self, digest: str) -> bool:
        return digest in self._parcels

    def named(self, digest: str) -> Parcel:
        """One that is held, used once more."""
        self._named.add(digest)
        self._parcels.move_to_end(digest)
        return self._parcels[digest]

    def keep(self, parcel: Parcel) -> None:
        self._named.add(parcel.digest)
        self._parcels[parcel.digest] = parcel

    def trim(self) -> None:
        """After each message: drop what was not used for longest, but nothing that the message named."""
        size = sum(parcel.size for parcel in self._parcels.values())
        for digest in [d for d in self._parcels if d not in self._named]:
            if size > HOLD:
                size -= self._parcels.pop(digest).size
        self._named.clear()


class Sender:
    """One end of a pipe, to write to."""

    def __init__(self, stream: BinaryIO):
        self._stream, self._held = stream, _Held()

    def send(self, value: object) -> None:
        """Write one value: the count of its parts, their lengths, the parts. Arrays are not copied."""
        parts: list[pickle.PickleBuffer] = []
        text = io.BytesIO()
        _Pickler(text, self._held, parts).dump(value)
        self._held.trim()
        blocks = [text.getbuffer(), *(part.raw() for part in parts)]
        self._stream.write(b"".join(NUMBER.pack(n) for n in (len(blocks), *(block.nbytes for block in blocks))))
        for block in blocks:
            self._stream.write(block)
        self._stream.flush()


class Receiver:
    """The other end."""

    def __init__(self, stream: BinaryIO):
        self._stream, self._held = stream, _Held()

    def receive(self) -> Any:
        """Read one value; EOFError when the other side is gone."""
        (count,) = NUMBER.unpack(self._exactly(NUMBER.size))
        sizes = struct.unpack(f"<{count}Q", self._exactly(count * NUMBER.size))
        text, *parts = [self._exactly(size) for size in sizes]
        value = _Unpickler(io.BytesIO(text), self._held, parts).load()
        self._held.trim()
        return value

    def _exactly(self, size: int) -> bytearray:
        block = bytearray(size)
        view, got = memoryview(block), 0
        while got < size:
            count = self._stream.readinto(view[got:])  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            got += count
        return block


class _Pickler(pickle.Pickler):
    def __init__(self, file: BinaryIO, held: _Held, parts: list[pickle.PickleBuffer]):
        super().__init__(file, protocol=5, buffer_callback=parts.append)
        self._held = held

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Parcel):
            return None
        if obj.digest in self._held:
            self._held.named(obj.digest)
            return (obj.digest,)
        self._held.keep(dataclasses.replace(obj, value=None))
        return obj.digest, obj.value, obj.size


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, held: _Held, parts: list[bytearray]):
        super().__init__(file, buffers=parts)
        self._held = held

    def persistent_load(self, pid: Any) -> Parcel:
        if len(pid) == 1:
            return self._held.named(pid[0])
        parcel = Parcel(*pid)
        self._held.keep(parcel)
        return parcel
