"""Before waiting: connect, find the applications, and know what is waited for in each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from astrago_actions.actions.argocd_wait_inputs import Inputs
from astrago_actions.clients.ancestry import Ancestry, Compare, github_compare
from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_connection import ArgoCDError, Server
from astrago_actions.clients.argocd_follow import open_all
from astrago_actions.clients.argocd_inquiry import Background
from astrago_actions.clients.argocd_stream import Doorbell
from astrago_actions.clients.argocd_watch import Watch
from astrago_actions.context import Context
from astrago_actions.domain.rollout.application import Application, Session
from astrago_actions.domain.rollout.conversation import judge_trouble, not_logged_in
from astrago_actions.domain.rollout.result import EXIT_CODES, SUCCESSES
from astrago_actions.domain.rollout.values import Memory, Observation, Target, Trouble, Verdict
from astrago_actions.domain.rollout.words import normal_repository
from astrago_actions.errors import ActionError
from astrago_actions.workflow_run import WorkflowRun

Found = TypeVar("Found")

# Troubles that may pass by themselves.
PASSING = frozenset({"no-contact", "no-answer", "rate-limited"})
_LIST_EVERY_SECONDS = 5.0
_ATTEMPTS = 3


@dataclass
class Start:
    """One wait: its inputs, its connection, and what is shared by its applications."""

    inputs: Inputs
    context: Context
    background: Background
    compare: Compare | None = None
    ancestries: dict[str, Ancestry] = field(default_factory=dict)
    session: Session | None = None

    def __post_init__(self) -> None:
        """Nothing is sent yet."""
        inputs, clock = self.inputs, self.context.clock
        self.began = clock.monotonic()
        self.bell = Doorbell(clock)
        verify: bool | str = _ca_file(inputs.ca_cert, self.context.run) or not inputs.insecure
        server = Server(inputs.server, verify, inputs.headers)
        self.server = ArgoCD(server, inputs.credentials, self.context.step.mask)


def make_watches(start: Start) -> list[Watch]:
    """Log in, find the applications and make a watch for each; raises ActionError."""
    start.session = _log_in(start)
    names = start.inputs.applications or select(start)
    shared = len(names) > 1 or start.inputs.children
    watches = [_watch(start, name, shared=shared) for name in names]
    open_all(watches)
    return watches


def add_children(start: Start, watches: list[Watch], parent: Watch) -> None:
    """Follow the applications that a finished application of applications made."""
    if parent.verdict.result not in SUCCESSES:
        return
    try:
        children = _children(start, parent)
    except ArgoCDError as error:
        parent.verdict = _children_unknown(parent.target, error.trouble)
        return
    known = {each.place.name for each in watches}
    watches.extend(
        _watch(start, name, shared=True, awaited=True, project="")
        for name in children
        if name.rpartition("/")[2] not in known
    )


def _children(start: Start, parent: Watch) -> tuple[str, ...]:
    """The applications in the tree; a failure that may pass is tried again."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(ArgoCDError):
            return start.server.tree(parent.place)[1]
        start.context.clock.sleep(_LIST_EVERY_SECONDS)
    return start.server.tree(parent.place)[1]


def _children_unknown(target: Target, trouble: Trouble) -> Verdict:
    return Verdict(
        "verify",
        "children-unknown",
        f"Which applications {target.application} made cannot be read; their outcome is unknown",
        "unreachable",
        trouble.message,
        "Look at them in Argo CD, or name them in `application`.",
    )


def _log_in(start: Start) -> Session:
    """Who we are; a server that is no Argo CD, or refuses us, is told at once."""
    try:
        version = patiently(start, start.server.version)
        session = patiently(start, start.server.session)
    except ArgoCDError as error:
        if error.trouble.kind in {"no-answer", "rate-limited"}:
            return Session(logged_in=True)
        raise refusal(start, error.trouble) from error
    start.context.step.info(f"Argo CD {version}, logged in as {session.username or 'nobody'}.")
    check_logged_in(start, session)
    _warn_of_expiry(start, session)
    return session


def patiently(start: Start, ask: Callable[[], Found]) -> Found:
    """What `ask` returns, tried again where trouble may pass; raises ArgoCDError."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except ArgoCDError as error:
            if error.trouble.kind not in PASSING:
                raise
            start.context.clock.sleep(0.5)
    return ask()


def check_logged_in(start: Start, session: Session) -> None:
    """Raise ActionError when the server answers and takes us for nobody."""
    if not session.logged_in:
        said = "The server says that nobody is logged in with these credentials."
        raise _error(start, not_logged_in(Trouble("unauthorized", said, 401)))


def _warn_of_expiry(start: Start, session: Session) -> None:
    """A token that ends during the wait and cannot be renewed deserves a word now."""
    left = session.seconds_left
    if left is not None and left < start.inputs.graces.timeout and not start.server.renewable:
        start.context.step.warning(
            "The Argo CD token expires during the wait",
            f"It is valid for {left:.0f} s more; the wait may take "
            f"{start.inputs.graces.timeout:.0f} s.",
        )


def select(start: Start) -> tuple[str, ...]:
    """The applications that the selector finds, waiting for the expected number of them."""
    inputs = start.inputs
    while True:
        try:
            names = start.server.applications(inputs.selector, inputs.project, inputs.app_namespace)
        except ArgoCDError as error:
            raise refusal(start, error.trouble) from error
        waited = start.context.clock.monotonic() - start.began
        if names and len(names) >= inputs.expected_count:
            return names
        if waited >= inputs.graces.timeout or not inputs.wait_for_application:
            raise _error(start, _too_few(inputs, names))
        start.context.clock.sleep(_LIST_EVERY_SECONDS)


def _too_few(inputs: Inputs, names: tuple[str, ...]) -> Verdict:
    expected = f" of {inputs.expected_count} expected" if inputs.expected_count else ""
    found = ", ".join(names) or "none"
    return Verdict(
        "preflight",
        "too-few-applications",
        f"The selector `{inputs.selector}` finds {len(names)}{expected} applications",
        "not-found",
        f"Found: {found}. Applications that these credentials may not see are not listed.",
        "Check the labels and the account's rights, or set `wait-for-application: true` where an "
        "ApplicationSet is still making them.",
    )


def place_of(inputs: Inputs, name: str, project: str | None = None) -> Place:
    """Where the application `name` or `namespace/name` is; `project` if not the one asked for."""
    namespace, _, plain = name.rpartition("/")
    wanted = inputs.project if project is None else project
    return Place(plain, wanted, namespace or inputs.app_namespace)


def _watch(
    start: Start,
    name: str,
    *,
    shared: bool,
    awaited: bool = False,
    project: str | None = None,
) -> Watch:
    """A watch of `name` or `namespace/name`; children may be of other projects than asked for."""
    inputs = start.inputs
    place = place_of(inputs, name, project)
    plain = place.name
    waits = inputs.wait_for_application or awaited

    def wanted(application: Application | None) -> tuple[Target, Ancestry]:
        repository = deployment_repository(start, application)
        target = _target(inputs, plain, repository, shared=shared, awaited=waits)
        return target, _ancestry(start, repository)

    target, ancestry = wanted(None)
    return Watch(
        start.server,
        place,
        target,
        ancestry,
        background=start.background,
        rang=start.bell.ring,
        session=start.session,
        when_found=wanted,
    )


def _target(
    inputs: Inputs, application: str, repository: str, *, shared: bool, awaited: bool
) -> Target:
    return Target(
        application=application,
        revision=inputs.revision,
        images=inputs.images,
        repository=repository,
        branch=inputs.branch,
        shared=shared,
        sync=inputs.sync,
        refresh=inputs.refresh,
        accept_suspended=inputs.accept_suspended,
        fail_in_sync_window=inputs.fail_in_sync_window,
        fail_fast=inputs.fail_fast,
        wait_for_application=awaited,
        graces=inputs.graces,
    )


def deployment_repository(start: Start, application: Application | None) -> str:
    """`host/owner/name`: as given, or the one source that lies on our own GitHub server."""
    host = (urlsplit(start.context.run.server_url).hostname or "").lower()
    given = start.inputs.deployment_repository
    if given:
        return f"{host}/{given.lower()}"
    if application is None:
        return ""
    found = _repositories(application)
    on_our_server = {each for each in found if each.startswith(f"{host}/")}
    return on_our_server.pop() if len(on_our_server) == 1 else ""


def _repositories(application: Application) -> set[str]:
    hydrated = application.hydrated_from
    sources = [hydrated] if hydrated else [each for each in application.sources if not each.chart]
    return {normal_repository(each.repository) for each in sources if each.repository}


def _ancestry(start: Start, repository: str) -> Ancestry:
    if repository not in start.ancestries:
        inputs, run = start.inputs, start.context.run
        owner_and_name = repository.partition("/")[2]
        compare = start.compare or github_compare(
            inputs.deployment_token, run.api_url, owner_and_name
        )
        revision = inputs.revision if repository else ""
        start.ancestries[repository] = Ancestry(compare, revision)
    return start.ancestries[repository]


def _ca_file(ca_cert: str, run: WorkflowRun) -> str:
    """The file that holds the authority's certificate; PEM text is written to one."""
    if not ca_cert.startswith("-----BEGIN"):
        return ca_cert
    handle, name = tempfile.mkstemp(".pem", "argocd-ca-", run.temporary)
    os.close(handle)
    Path(name).write_text(f"{ca_cert}\n", encoding="utf-8")
    return name


def refusal(start: Start, trouble: Trouble) -> ActionError:
    """What a trouble means that is met before any application was seen."""
    target = Target(", ".join(start.inputs.applications) or start.inputs.selector)
    memory = Memory()
    if trouble.kind == "no-contact":
        memory = memory.with_sightings(frozenset({"no-contact"}), 0.0)
        for _ in range(_ATTEMPTS):
            memory = memory.with_sightings(frozenset({"no-contact"}), 0.0)
    observation = Observation(at=start.inputs.graces.unreachable, trouble=trouble)
    return _error(start, judge_trouble(target, observation, memory, trouble))


def _error(start: Start, verdict: Verdict) -> ActionError:
    """A failure before any application was looked at; the outputs say so too."""
    return ActionError(
        verdict.headline,
        verdict.detail,
        verdict.remedy,
        link=start.inputs.server,
        exit_code=EXIT_CODES[verdict.result],
        outputs={"result": verdict.result, "url": start.inputs.server},
    )
