"""The distribution specification by plain requests: the sandbox's registry beside Debian's.

No code of our clients is used, and each test runs against a registry that others wrote, so that
the sandbox is held to the same as the real one.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass

import pytest
import requests

from tests.registries import RunningRegistry

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass
class Plain:
    """Requests to one repository of a registry, signed in once."""

    running: RunningRegistry
    repository: str
    headers: dict[str, str]

    def send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, data: object = None
    ) -> requests.Response:
        scheme = "https" if self.running.certificate else "http"
        base = f"{scheme}://{self.running.host}"
        address = path if "://" in path else base + path.replace("NAME", self.repository)
        return requests.request(
            method,
            address,
            headers={**self.headers, **(headers or {})},
            data=data,  # type: ignore[arg-type]
            auth=(self.running.username, self.running.password)
            if self.running.kind == "debian-basic"
            else None,
            timeout=10,
        )

    def begin(self) -> str:
        begun = self.send("POST", "/v2/NAME/blobs/uploads/")
        assert begun.status_code == 202
        return begun.headers["Location"]

    def finish(self, location: str, content: bytes, data: bytes = b"") -> requests.Response:
        joined = f"{location}{'&' if '?' in location else '?'}digest={digest_of(content)}"
        return self.send("PUT", joined, data=data)

    def push_blob(self, content: bytes) -> dict[str, object]:
        assert self.finish(self.begin(), content, data=content).status_code == 201
        return {"digest": digest_of(content), "size": len(content)}

    def push_image(self, tag: str, media_type: str = MANIFEST) -> requests.Response:
        config = {"mediaType": CONFIG, **self.push_blob(b"{}")}
        layer = {"mediaType": "application/octet-stream", **self.push_blob(b"layer")}
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config,
            "layers": [layer],
        }
        return self.put_manifest(tag, manifest, media_type)

    def put_manifest(
        self, reference: str, manifest: dict[str, object], media_type: str
    ) -> requests.Response:
        return self.send(
            "PUT",
            f"/v2/NAME/manifests/{reference}",
            headers={"Content-Type": media_type},
            data=json.dumps(manifest),
        )


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def code_of(response: requests.Response) -> str:
    return str(response.json()["errors"][0]["code"])


@pytest.fixture
def plain(any_registry: RunningRegistry) -> Plain:
    repository = f"xiilab/plain-{uuid.uuid4().hex[:12]}"
    headers = {}
    if any_registry.kind == "sandbox":
        challenge = requests.get(f"http://{any_registry.host}/v2/", timeout=10)
        realm = re.search(r'realm="([^"]+)"', challenge.headers["WWW-Authenticate"])
        assert realm
        answer = requests.get(
            realm[1],
            params={"service": "ghcr.io", "scope": f"repository:{repository}:pull,push"},
            auth=(any_registry.username, any_registry.password),
            timeout=10,
        )
        headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return Plain(any_registry, repository, headers)


def test_a_blob_is_uploaded_in_one_request_after_the_first(plain: Plain) -> None:
    plain.push_blob(b"content")

    found = plain.send("GET", f"/v2/NAME/blobs/{digest_of(b'content')}")
    assert found.content == b"content"
    assert found.headers["Docker-Content-Digest"] == digest_of(b"content")


def test_a_blob_is_uploaded_in_chunks(plain: Plain) -> None:
    first = plain.send("PATCH", plain.begin(), headers={"Content-Range": "0-2"}, data=b"abc")
    assert first.status_code == 202
    assert first.headers["Range"] == "0-2"

    location = first.headers["Location"]
    second = plain.send("PATCH", location, headers={"Content-Range": "3-5"}, data=b"def")
    assert second.headers["Range"] == "0-5"

    assert plain.finish(second.headers["Location"], b"abcdef").status_code == 201
    assert plain.send("GET", f"/v2/NAME/blobs/{digest_of(b'abcdef')}").content == b"abcdef"


@pytest.mark.parametrize("any_registry", ["sandbox"], indirect=True)
def test_chunks_must_follow_each_other(plain: Plain) -> None:
    """The specification says so; Debian's version does not look."""
    first = plain.send("PATCH", plain.begin(), headers={"Content-Range": "0-2"}, data=b"abc")

    location = first.headers["Location"]
    late = plain.send("PATCH", location, headers={"Content-Range": "9-11"}, data=b"xyz")

    assert late.status_code == 416
    assert late.headers["Range"] == "0-2"


def test_chunked_transfer_encoding_is_understood(plain: Plain) -> None:
    streamed = plain.send("PATCH", plain.begin(), data=iter([b"one ", b"two"]))

    assert streamed.status_code == 202
    assert plain.finish(streamed.headers["Location"], b"one two").status_code == 201


def test_the_state_of_an_upload_can_be_asked_for(plain: Plain) -> None:
    location = plain.begin()
    sent = plain.send("PATCH", location, data=b"abc")

    status = plain.send("GET", sent.headers["Location"])
    assert status.status_code == 204
    assert status.headers["Range"] == "0-2"


def test_content_with_another_digest_is_refused(plain: Plain) -> None:
    refused = plain.finish(plain.begin(), b"other", data=b"content")

    assert refused.status_code == 400
    assert code_of(refused) == "DIGEST_INVALID"


def test_an_upload_that_is_over_is_unknown(plain: Plain) -> None:
    location = plain.begin()
    plain.finish(location, b"content", data=b"content")

    refused = plain.finish(location, b"content", data=b"content")

    assert refused.status_code == 404
    assert code_of(refused) == "BLOB_UPLOAD_UNKNOWN"


def test_a_location_must_be_used_as_it_was_given(plain: Plain) -> None:
    without_state = plain.begin().partition("?")[0]

    refused = plain.send("PATCH", without_state, data=b"x")

    assert refused.status_code == 404
    assert code_of(refused) == "BLOB_UPLOAD_INVALID"


def test_an_unknown_blob_is_named_so(plain: Plain) -> None:
    refused = plain.send("GET", f"/v2/NAME/blobs/{digest_of(b'never')}")

    assert refused.status_code == 404
    assert code_of(refused) == "BLOB_UNKNOWN"


@pytest.mark.parametrize("media_type", [MANIFEST, DOCKER_MANIFEST])
def test_a_manifest_is_served_by_tag_and_digest_as_it_was_pushed(
    plain: Plain, media_type: str
) -> None:
    pushed = plain.push_image("one", media_type)
    assert pushed.status_code == 201
    digest = pushed.headers["Docker-Content-Digest"]

    for reference in ("one", digest):
        for method in ("GET", "HEAD"):
            found = plain.send(
                method, f"/v2/NAME/manifests/{reference}", headers={"Accept": media_type}
            )
            assert found.status_code == 200
            assert found.headers["Docker-Content-Digest"] == digest
            assert found.headers["Content-Type"] == media_type
    assert (
        digest_of(
            plain.send("GET", "/v2/NAME/manifests/one", headers={"Accept": media_type}).content
        )
        == digest
    )


def test_a_manifest_is_not_served_as_a_kind_that_was_not_asked_for(plain: Plain) -> None:
    plain.push_image("one", MANIFEST)

    found = plain.send("GET", "/v2/NAME/manifests/one", headers={"Accept": DOCKER_MANIFEST})

    assert found.status_code == 404
    assert code_of(found) == "MANIFEST_UNKNOWN"


def test_a_manifest_without_its_layers_is_refused(plain: Plain) -> None:
    missing = {"mediaType": CONFIG, "digest": digest_of(b"never"), "size": 5}
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": missing,
        "layers": [missing],
    }

    refused = plain.put_manifest("one", manifest, MANIFEST)

    assert 400 <= refused.status_code < 500
    assert code_of(refused) in {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}


def test_an_index_needs_its_members(plain: Plain) -> None:
    pushed = plain.push_image("member")
    member = {
        "mediaType": MANIFEST,
        "digest": pushed.headers["Docker-Content-Digest"],
        "size": int(pushed.request.headers["Content-Length"]),
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index: dict[str, object] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [member]}
    assert plain.put_manifest("index", index, INDEX).status_code == 201

    broken = {**index, "manifests": [{**member, "digest": digest_of(b"never")}]}
    assert code_of(plain.put_manifest("broken", broken, INDEX)) == "MANIFEST_BLOB_UNKNOWN"


def test_text_that_is_no_manifest_is_refused(plain: Plain) -> None:
    refused = plain.send(
        "PUT", "/v2/NAME/manifests/one", headers={"Content-Type": MANIFEST}, data=b"{"
    )

    assert refused.status_code == 400
    assert code_of(refused) == "MANIFEST_INVALID"


def test_a_tag_that_is_not_there_is_named_so(plain: Plain) -> None:
    plain.push_image("one")

    found = plain.send("GET", "/v2/NAME/manifests/two", headers={"Accept": MANIFEST})

    assert found.status_code == 404
    assert code_of(found) == "MANIFEST_UNKNOWN"


def test_tags_are_listed_in_pages(plain: Plain) -> None:
    for tag in ("c", "a", "b"):
        plain.push_image(tag)

    whole = plain.send("GET", "/v2/NAME/tags/list").json()
    assert sorted(whole["tags"]) == ["a", "b", "c"]
    first = plain.send("GET", "/v2/NAME/tags/list?n=2")
    after = plain.send("GET", "/v2/NAME/tags/list?n=2&last=b")
    if plain.running.kind == "sandbox":  # Debian's version lists all at once
        assert first.json()["tags"] == ["a", "b"]
        assert 'rel="next"' in first.headers["Link"]
        assert after.json()["tags"] == ["c"]
        assert "Link" not in after.headers


def test_a_repository_that_nobody_pushed_to_is_named_so(plain: Plain) -> None:
    refused = plain.send("GET", "/v2/NAME/tags/list")

    assert refused.status_code == 404
    assert code_of(refused) == "NAME_UNKNOWN"
