"""The registry's endpoints. Source: OCI distribution specification 1.1, and GHCR's behaviour."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

from astrago_actions.sandbox.registry import refusals
from astrago_actions.sandbox.registry.access import (
    PLACEHOLDER_SCOPE,
    SERVICE,
    Access,
    Action,
    Credential,
    Grant,
    covers,
    parse_scopes,
)
from astrago_actions.sandbox.registry.files import FilesInFolder, FilesInMemory
from astrago_actions.sandbox.registry.manifests import accepted, check_manifest
from astrago_actions.sandbox.registry.refusals import Refusal
from astrago_actions.sandbox.registry.store import Store, StoredManifest, Upload, digest_of
from astrago_actions.sandbox.server import Request, Response, json_response

TAGS_AT_MOST = 1000

_NAME = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
_REFERENCE = r"(?P<reference>sha256:[0-9a-f]{64}|[A-Za-z0-9_][A-Za-z0-9._-]{0,127})"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CONTENT_RANGE = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?")


class Registry:
    """An `Application` that keeps images, in memory or below `folder`.

    Without tokens nobody may push; `public` are patterns of repositories that anybody may pull.
    """

    def __init__(self, folder: Path | None = None, *, public: Sequence[str] = ()) -> None:
        self._store = Store(FilesInFolder(folder) if folder else FilesInMemory())
        self._access = Access(public)
        self._routes: tuple[tuple[re.Pattern[str], Callable[..., Response]], ...] = (
            (re.compile(f"/v2/{_NAME}/blobs/uploads/?"), self._begin_upload),
            (re.compile(f"/v2/{_NAME}/blobs/uploads/(?P<upload_id>[0-9a-f]+)"), self._upload),
            (re.compile(f"/v2/{_NAME}/blobs/(?P<digest>[^/]+)"), self._blob),
            (re.compile(f"/v2/{_NAME}/manifests/{_REFERENCE}"), self._manifest),
            (re.compile(f"/v2/{_NAME}/tags/list"), self._tags),
        )

    def add_token(
        self, token: str, repositories: Mapping[str, Literal["read", "write"]] | None = None
    ) -> None:
        """Accept `token` as a password: pattern of repositories (fnmatch) -> permission."""
        self._access.add(Credential(token, dict(repositories or {})))

    def digest_of(self, repository: str, tag: str) -> str | None:
        """The digest under which a tag is served, or None."""
        return self._store.digest_of(repository, tag)

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository in lexical order."""
        return self._store.tags(repository)

    def respond(self, request: Request) -> Response:
        """The answer to one request; called from many threads."""
        try:
            if request.path == "/token":
                return self._give_token(request)
            self._signed_in(request)
            if request.path in {"/v2", "/v2/"}:
                return json_response(200, {}, {"Docker-Distribution-Api-Version": "registry/2.0"})
            return self._route(request)
        except Refusal as refusal:
            return refusal.response()

    def _route(self, request: Request) -> Response:
        for pattern, endpoint in self._routes:
            match = pattern.fullmatch(request.path)
            if match:
                repository = match["name"]
                self._allow(request, repository, _action(request))
                return endpoint(request, **match.groupdict())
        raise Refusal(404, "NOT_FOUND", "page not found")

    def _give_token(self, request: Request) -> Response:
        if request.method != "GET":
            raise refusals.unsupported()
        authorization = request.headers.get("authorization", "")
        credential = self._access.credential(authorization)
        scopes = parse_scopes(parse_qs(request.raw_query).get("scope", []))
        if authorization and credential is None:
            raise Refusal(403, "DENIED", "denied")
        private = [name for name, action in scopes if not self._anybody_may(name, action)]
        if credential is None and (private or not scopes):
            raise Refusal(403, "DENIED", "requested access to the resource is denied")
        return json_response(200, {"token": self._access.give_token(credential, scopes)})

    def _anybody_may(self, repository: str, action: str) -> bool:
        return action == "pull" and self._access.is_public(repository)

    def _signed_in(self, request: Request) -> Grant:
        grant = self._access.grant(request.headers.get("authorization", ""))
        if grant is None:
            raise _challenge(request)
        return grant

    def _allow(self, request: Request, repository: str, action: Action) -> None:
        grant = self._signed_in(request)
        if not covers(grant, repository, action):
            raise _challenge(request)
        refusal = self._access.refusal(grant, repository, action)
        if refusal:
            raise Refusal(403, "DENIED", refusal)

    def _may_mount_from(self, request: Request, repository: str) -> bool:
        grant = self._signed_in(request)
        return (
            covers(grant, repository, "pull")
            and self._access.refusal(grant, repository, "pull") is None
        )

    def _begin_upload(self, request: Request, name: str) -> Response:
        if request.method != "POST":
            raise refusals.unsupported()
        if "digest" in request.query:
            return self._finished(name, request.query["digest"], request.body)
        digest, source = request.query.get("mount", ""), request.query.get("from", "")
        readable = digest and source and self._may_mount_from(request, source)
        if readable and self._store.mount(name, digest, source):
            return _created(f"/v2/{name}/blobs/{digest}", digest)
        upload_id, upload = self._store.begin_upload(name)
        return _progress(202, name, upload_id, upload)

    def _upload(self, request: Request, name: str, upload_id: str) -> Response:
        if request.method == "DELETE":
            raise refusals.unsupported()
        upload = self._store.upload(name, upload_id)
        if upload is None:
            raise refusals.upload_unknown()
        if request.query.get("_state") != upload.state:
            raise refusals.upload_invalid()
        if request.method == "GET":
            return _progress(204, name, upload_id, upload)
        self._append(request, name, upload_id, upload)
        if request.method == "PATCH":
            return _progress(202, name, upload_id, upload)
        if request.method != "PUT":
            raise refusals.unsupported()
        self._store.end_upload(upload_id)
        return self._finished(name, request.query.get("digest", ""), bytes(upload.content))

    def _append(self, request: Request, name: str, upload_id: str, upload: Upload) -> None:
        span = request.headers.get("content-range", "")
        match = _CONTENT_RANGE.fullmatch(span)
        if span and (match is None or int(match[1]) != len(upload.content)):
            headers = _progress(202, name, upload_id, upload).headers
            raise Refusal(416, "BLOB_UPLOAD_INVALID", "chunk is out of order", headers)
        upload.content.extend(request.body)

    def _finished(self, name: str, digest: str, content: bytes) -> Response:
        if not _DIGEST.fullmatch(digest) or digest_of(content) != digest:
            raise refusals.digest_invalid()
        self._store.add_blob(name, content)
        return _created(f"/v2/{name}/blobs/{digest}", digest)

    def _blob(self, request: Request, name: str, digest: str) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise refusals.unsupported()
        content = self._store.blob(name, digest)
        if content is None:
            raise refusals.blob_unknown()
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest}
        return Response(200, content, headers)

    def _manifest(self, request: Request, name: str, reference: str) -> Response:
        if request.method == "PUT":
            return self._put_manifest(request, name, reference)
        if request.method not in {"GET", "HEAD"}:
            raise refusals.unsupported()
        stored = self._store.manifest(name, reference)
        if stored is None:
            raise refusals.manifest_unknown()
        if not accepted(stored.media_type, request.headers.get("accept", "")):
            raise Refusal(
                404, "MANIFEST_UNKNOWN", f"Accept header does not support {stored.media_type}"
            )
        return _manifest_response(stored)

    def _put_manifest(self, request: Request, name: str, reference: str) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0]
        by_digest = ":" in reference
        if by_digest and digest_of(request.body) != reference:
            raise refusals.digest_invalid()
        check_manifest(
            media_type,
            request.body,
            has_blob=lambda digest: self._store.has_blob(name, digest),
            has_manifest=lambda digest: self._store.manifest(name, digest) is not None,
        )
        tag = "" if by_digest else reference
        digest = self._store.add_manifest(name, media_type, request.body, tag)
        return _created(f"/v2/{name}/manifests/{digest}", digest)

    def _tags(self, request: Request, name: str) -> Response:
        if request.method != "GET":
            raise refusals.unsupported()
        tags = self._store.tags(name)
        if not tags:
            raise refusals.name_unknown(name)
        asked = request.query.get("n", "")
        count = min(int(asked), TAGS_AT_MOST) if asked.isdigit() else TAGS_AT_MOST
        later = [tag for tag in tags if tag > request.query.get("last", "")]
        page, more = later[:count], len(later) > count > 0
        headers = {}
        if more:
            headers["Link"] = f'</v2/{name}/tags/list?n={count}&last={page[-1]}>; rel="next"'
        return json_response(200, {"name": name, "tags": page}, headers)


def _action(request: Request) -> Action:
    return "pull" if request.method in {"GET", "HEAD"} else "push"


def _challenge(request: Request) -> Refusal:
    """GHCR's challenge; its scope is a placeholder, not what was asked for."""
    realm = f"http://{request.headers.get('host', 'localhost')}/token"
    bearer = f'Bearer realm="{realm}",service="{SERVICE}",scope="{PLACEHOLDER_SCOPE}"'
    return Refusal(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": bearer})


def _progress(status: int, name: str, upload_id: str, upload: Upload) -> Response:
    last = max(len(upload.content) - 1, 0)
    location = f"/v2/{name}/blobs/uploads/{upload_id}?_state={upload.state}"
    headers = {"Location": location, "Docker-Upload-UUID": upload_id, "Range": f"0-{last}"}
    return Response(status, b"", headers)


def _created(location: str, digest: str) -> Response:
    return Response(201, b"", {"Location": location, "Docker-Content-Digest": digest})


def _manifest_response(stored: StoredManifest) -> Response:
    headers = {"Content-Type": stored.media_type, "Docker-Content-Digest": stored.digest}
    return Response(200, stored.content, headers)
