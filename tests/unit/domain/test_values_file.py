from __future__ import annotations

import pytest

from astrago_actions.domain.edit_refused import FileRefused
from astrago_actions.domain.values_file import SIZE_LIMIT, decode, encode


@pytest.mark.parametrize("data", [b"", b"a: 1\r\n", "태그: 😀".encode(), b"\xef\xbb\xbfa: 1"])
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert encode(decode(data, "values.yaml")) == data


@pytest.mark.parametrize(
    ("data", "title", "detail"),
    [
        ("a: 1".encode("utf-16"), "is not UTF-8 text", "byte order mark of UTF-16"),
        ("a: 1".encode("utf-32"), "is not UTF-8 text", "byte order mark of UTF-32"),
        ("\na: 1".encode("utf-16-be"), "is not UTF-8 text", "Line 1 holds a zero byte"),
        ("a: 1\nb: 값".encode("cp949"), "is not UTF-8 text", "Line 2 holds the byte 0xb0"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
            "is kept in Git LFS",
            "a pointer in its place",
        ),
        (b" " * (SIZE_LIMIT + 1), "is too large to be edited", "10,485,761 bytes"),
    ],
)
def test_what_is_no_text_is_refused_with_a_way_out(data: bytes, title: str, detail: str) -> None:
    with pytest.raises(FileRefused) as caught:
        decode(data, "values.yaml")

    assert caught.value.title == f"values.yaml {title}"
    assert detail in caught.value.detail
    assert caught.value.remedy
