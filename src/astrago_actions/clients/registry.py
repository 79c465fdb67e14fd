"""An image registry: may we push, what is there, and putting images into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from astrago_actions.clients.oci_archive import ArchivedImage, Blob, StoredManifest
from astrago_actions.clients.registry_errors import Asked, denied, text_of
from astrago_actions.clients.registry_retries import repeated
from astrago_actions.clients.registry_session import (
    Call,
    Credentials,
    RegistrySession,
    is_loopback,
)
from astrago_actions.clock import Clock
from astrago_actions.domain.image_size import ImageSize
from astrago_actions.domain.manifests import (
    MEDIA_TYPES,
    REVISION,
    BrokenManifest,
    ImageIndex,
    ImageManifest,
    labels_of,
    parse_manifest,
)
from astrago_actions.domain.push_plan import Existing
from astrago_actions.errors import AccessDenied, ActionError, NotFound, RateLimited, Unreachable

__all__ = ["Credentials", "PushPermission", "RegistryClient", "is_loopback"]

Result = TypeVar("Result")

BLOBS_AT_ONCE = 4
# Without these a registry may answer with a manifest of another kind, and so another digest.
ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}


@dataclass(frozen=True)
class PushPermission:
    """Whether a push would be let in; `refusal` explains a denial, `note` an unknown outcome."""

    verdict: Literal["allowed", "denied", "unknown"]
    refusal: AccessDenied | None = None
    note: str = ""


class RegistryClient:
    """One registry, such as ghcr.io; safe to use from several threads.

    `source` is the repository (`owner/name`) whose workflow runs, for advice on permissions. What
    may pass by itself is repeated `retries` times; `report` is told of it in one line.
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        *,
        clock: Clock,
        retries: int = 3,
        plain_http: bool = False,
        source: str = "",
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.host = host
        self.source = source
        self.plain_http = plain_http
        self._clock = clock
        self._retries = retries
        self._report = report
        self._session = RegistrySession(
            host,
            credentials,
            clock=clock,
            retries=retries,
            plain_http=plain_http,
            report=report,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def repeated(self, act: Callable[[], Result]) -> Result:
        """Call `act`, again and again while it fails with what may pass by itself."""
        return repeated(act, retries=self._retries, clock=self._clock, report=self._report)

    def sign_in(self) -> None:
        """Let the registry look at the credentials, as `docker login` does; raises AccessDenied.

        It says nothing about what they are good for; `push_permission` does.
        """
        asked = Asked(f"sign in to {self.host}", self.host, self.source)
        self._session.send(Call(method="GET", path="/v2/", asked=asked))

    def push_permission(self, repository: str) -> PushPermission:
        """Begin an upload, which only those who may push can, and drop it again.

        Signing in proves nothing: registries let in tokens that may push nowhere. Raises
        Unreachable or RateLimited when there is no answer, NotFound when this is no registry.
        """
        call = self._push_call(
            "POST",
            repository,
            "blobs/uploads/",
            f"push to {self.host}/{repository}",
            expected=(202, 400, 404, 405),
        )
        try:
            response = self._session.send(call)
        except AccessDenied as refusal:
            return PushPermission("denied", refusal=refusal)
        except (NotFound, RateLimited, Unreachable):
            raise
        except ActionError as error:
            return PushPermission("unknown", note=error.detail)
        if response.status_code != 202:
            answer = f"{response.status_code} {text_of(response)}"
            return PushPermission("unknown", note=f"{self.host} answered {answer}")
        self._drop_upload(repository, response.headers.get("Location", ""))
        return PushPermission("allowed")

    def digest(self, repository: str, reference: str) -> str | None:
        """The digest that the registry serves under a tag or digest; None when it has none."""
        call = self._pull_call(
            "HEAD",
            repository,
            f"manifests/{reference}",
            f"look for {self.host}/{repository}:{reference}",
            expected=(200, 404),
        )
        response = self._session.send(call)
        if response.status_code == 404:
            return None
        served = response.headers.get("Docker-Content-Digest", "")
        return served or self.manifest(repository, reference).digest

    def manifest(self, repository: str, reference: str) -> StoredManifest:
        """The manifest or index under a tag or digest; raises NotFound."""
        doing = f"read {self.host}/{repository}:{reference}"
        call = self._pull_call("GET", repository, f"manifests/{reference}", doing)
        response = self._session.send(call)
        media_type = response.headers.get("Content-Type", "").partition(";")[0]
        digest = f"sha256:{hashlib.sha256(response.content).hexdigest()}"
        try:
            return StoredManifest(
                digest, response.content, parse_manifest(response.content, media_type)
            )
        except BrokenManifest as error:
            raise ActionError(
                f"Could not {doing}", str(error), "Push the image again under this tag."
            ) from error

    def size(self, repository: str, reference: str) -> ImageSize:
        """Compressed bytes by platform, from manifests alone."""
        return ImageSize(
            {platform: each.size for platform, each in self._images(repository, reference)}
        )

    def existing(self, repository: str, tag: str) -> Existing | None:
        """What is under a tag: digest, size and the commit in its revision label; None if nothing.

        A registry may also say "not found" of what the token must not read.
        """
        digest = self.digest(repository, tag)
        if digest is None:
            return None
        images = self._images(repository, digest)
        largest = max((each.size for _, each in images), default=0)
        return Existing(digest, self._revision(repository, images), largest)

    def put_manifest(self, repository: str, reference: str, manifest: StoredManifest) -> str:
        """Put a manifest under a tag or its digest; its blobs must be there. Returns the digest.

        With a manifest that the repository already holds, this gives an image another tag.
        """
        call = self._push_call(
            "PUT",
            repository,
            f"manifests/{reference}",
            f"push {self.host}/{repository}:{reference}",
            body=manifest.content,
            headers={"Content-Type": manifest.parsed.media_type},
            expected=(200, 201),
        )
        response = self._session.send(call)
        return response.headers.get("Docker-Content-Digest") or manifest.digest

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Take a blob over from another repository of this registry; False when it was not."""
        query = f"mount={quote(digest, safe=':')}&from={quote(source, safe='/')}"
        call = self._push_call(
            "POST",
            repository,
            f"blobs/uploads/?{query}",
            f"take {digest} from {source} into {self.host}/{repository}",
            more_scopes=(f"repository:{source}:pull",),
            expected=(201, 202),
        )
        response = self._session.send(call)
        if response.status_code == 202:
            self._drop_upload(repository, response.headers.get("Location", ""))
        return response.status_code == 201

    def upload(self, repository: str, blob: Blob) -> bool:
        """Send a blob unless the repository has it; returns whether it was sent."""
        doing = f"push a layer to {self.host}/{repository}"
        there = self._push_call(
            "HEAD", repository, f"blobs/{blob.digest}", doing, expected=(200, 404)
        )
        if self._session.send(there).status_code == 200:
            return False
        self.repeated(lambda: self._send_blob(repository, blob, doing))
        return True

    def push(self, image: ArchivedImage, repository: str, tag: str) -> str:
        """Push an image from an archive under a tag; returns its digest."""
        with ThreadPoolExecutor(BLOBS_AT_ONCE) as threads:
            list(threads.map(lambda blob: self.upload(repository, blob), image.blobs))
        for member in image.members:
            self.put_manifest(repository, member.digest, member)
        return self.put_manifest(repository, tag, image.manifest)

    def _send_blob(self, repository: str, blob: Blob, doing: str) -> None:
        """A lost upload cannot be resumed everywhere, so each attempt begins a new one."""
        begun = self._session.send_once(
            self._push_call("POST", repository, "blobs/uploads/", doing, expected=(202,))
        )
        location = urlsplit(begun.headers.get("Location", ""))
        query = "&".join(part for part in (location.query, f"digest={blob.digest}") if part)
        self._session.send_once(
            Call(
                method="PUT",
                path=urlunsplit(location._replace(query=query)),
                asked=self._asked(doing, repository),
                scopes=(f"repository:{repository}:pull,push",),
                headers={"Content-Type": "application/octet-stream"},
                body=blob.open,
                expected=(201,),
            )
        )

    def _drop_upload(self, repository: str, location: str) -> None:
        """Best effort: GHCR answers 405 and lets the upload expire."""
        if not location:
            return
        call = Call(
            method="DELETE",
            path=location,
            asked=self._asked("drop an upload", repository),
            scopes=(f"repository:{repository}:pull,push",),
            expected=(200, 202, 204, 404, 405),
        )
        try:
            self._session.send_once(call)
        except ActionError:
            return

    def _images(self, repository: str, reference: str) -> list[tuple[str, ImageManifest]]:
        """The images that can be run, by platform."""
        found = self.manifest(repository, reference).parsed
        if isinstance(found, ImageManifest):
            return [("", found)]
        return list(self._members(repository, found))

    def _members(self, repository: str, index: ImageIndex) -> Iterable[tuple[str, ImageManifest]]:
        for each in index.images:
            member = self.manifest(repository, each.digest).parsed
            if isinstance(member, ImageManifest):
                yield each.platform or each.digest, member

    def _revision(self, repository: str, images: Sequence[tuple[str, ImageManifest]]) -> str:
        for _, image in images:
            doing = f"read the labels of {self.host}/{repository}"
            call = self._pull_call("GET", repository, f"blobs/{image.config.digest}", doing)
            labels = labels_of(self._session.send(call).content)
            revision = labels.get(REVISION) or image.annotations.get(REVISION, "")
            if revision:
                return revision
        return ""

    def _asked(self, doing: str, repository: str) -> Asked:
        return Asked(doing, f"{self.host}/{repository}", self.source)

    def _pull_call(
        self,
        method: str,
        repository: str,
        path: str,
        doing: str,
        *,
        expected: tuple[int, ...] = (200,),
    ) -> Call:
        return Call(
            method=method,
            path=f"/v2/{repository}/{path}",
            asked=self._asked(doing, repository),
            scopes=(f"repository:{repository}:pull",),
            headers=ACCEPT,
            expected=expected,
        )

    def _push_call(
        self,
        method: str,
        repository: str,
        path: str,
        doing: str,
        *,
        expected: tuple[int, ...],
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        more_scopes: tuple[str, ...] = (),
    ) -> Call:
        return Call(
            method=method,
            path=f"/v2/{repository}/{path}",
            asked=self._asked(doing, repository),
            scopes=(f"repository:{repository}:pull,push", *more_scopes),
            headers=headers,
            body=body,
            expected=expected,
        )


def refused_fine_grained(host: str) -> AccessDenied:
    """GHCR lets fine-grained tokens sign in and then refuses every push; said before building."""
    asked = Asked(f"push to {host}", host)
    return denied(
        "does not match expected scopes",
        f"`token` is a fine-grained personal access token (github_pat_…), which {host} refuses.",
        asked,
    )
