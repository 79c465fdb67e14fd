"""A file's bytes as the text that is edited, and back; refused where that is not possible."""

from __future__ import annotations

from astrago_actions.domain.edit_refused import FileRefused

# Beyond this a file is no configuration that people keep, and editing takes half a minute.
SIZE_LIMIT = 10 * 1024 * 1024

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_OTHER_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def decode(data: bytes, path: str) -> str:
    """The text of a file, its byte order mark included; raises FileRefused naming the path.

    Only UTF-8 is read, strictly, so that `encode` gives the same bytes back.
    """
    if len(data) > SIZE_LIMIT:
        raise _too_large(path, len(data))
    if data.startswith(_LFS_POINTER):
        raise FileRefused(
            f"{path} is kept in Git LFS",
            "The repository holds a pointer in its place, not the text.",
            "Take the file out of Git LFS (`git lfs untrack`); values files are small text.",
        )
    for mark, encoding in _OTHER_ENCODINGS.items():
        if data.startswith(mark):
            raise _not_utf8(path, f"It begins with the byte order mark of {encoding}.")
    if b"\x00" in data:
        line = data.count(b"\n", 0, data.index(b"\x00")) + 1
        raise _not_utf8(path, f"Line {line} holds a zero byte, as UTF-16 and binary files do.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, f"Line {line} holds the byte 0x{data[error.start]:02x}.") from None


def encode(text: str) -> bytes:
    """The bytes to store; `encode(decode(data, path))` is `data`."""
    return text.encode("utf-8")


def _too_large(path: str, size: int) -> FileRefused:
    return FileRefused(
        f"{path} is too large to be edited",
        f"It has {size:,} bytes; the limit is {SIZE_LIMIT:,}.",
        "Keep the image tags in a small values file of their own.",
    )


def _not_utf8(path: str, detail: str) -> FileRefused:
    return FileRefused(
        f"{path} is not UTF-8 text",
        detail,
        "Save the file as UTF-8, for example with `iconv -t UTF-8`, naming the encoding that it "
        "has now with -f; for Korean files from Windows this is often CP949.",
    )
