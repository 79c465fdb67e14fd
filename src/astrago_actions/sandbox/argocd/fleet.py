"""All applications of one server, and what happened to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from astrago_actions.sandbox.argocd.access import Account, allows
from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.behaviour import Behaviour
from astrago_actions.sandbox.argocd.sources import GitSource, ImageSource

Change = tuple[str, ApplicationState]
"""ADDED, MODIFIED or DELETED, and the application."""


class Fleet:
    """Applications by namespace and name; `lock` is held while any of them is touched."""

    def __init__(self, agenda: Agenda, git: GitSource, images: ImageSource) -> None:
        self.agenda = agenda
        self.lock = threading.RLock()
        self.applications: dict[tuple[str, str], ApplicationState] = {}
        self.changes: list[Change] = []
        self.callbacks: list[Callable[[ApplicationState], None]] = []
        self._git = git
        self._images = images

    def add(
        self, manifest: Mapping[str, Any], behaviour: Behaviour, *, running: bool
    ) -> ApplicationState:
        """A new application."""
        with self.lock:
            self.agenda.catch_up()
            application = ApplicationState(
                manifest, self._git, self._images, self.agenda, behaviour, self._note_change
            )
            self.applications[application.namespace, application.name] = application
            application.begin(running=running)
            self.changes.append(("ADDED", application))
            return application

    def get(self, name: str, namespace: str) -> ApplicationState:
        """One application, brought up to now; raises KeyError."""
        with self.lock:
            self.agenda.catch_up()
            return self.applications[namespace, name]

    def remove(self, name: str, namespace: str) -> None:
        """Let an application be gone."""
        with self.lock:
            self.changes.append(("DELETED", self.applications.pop((namespace, name))))

    def seen_by(self, account: Account, query: Mapping[str, str]) -> Iterator[ApplicationState]:
        """What the account may see of what a query of lists or streams asks for."""
        for each in list(self.applications.values()):
            if is_seen(account, each) and is_asked_for(query, each):
                yield each

    def _note_change(self, application: ApplicationState) -> None:
        self.changes.append(("MODIFIED", application))
        for callback in self.callbacks:
            callback(application)


def subject(application: ApplicationState) -> str:
    """The object of RBAC rules; applications elsewhere are named with their namespace."""
    inside = "" if application.namespace == "argocd" else f"{application.namespace}/"
    return f"{application.project}/{inside}{application.name}"


def is_seen(account: Account, application: ApplicationState) -> bool:
    """Whether the account may get this application."""
    return allows(account, "applications", "get", subject(application))


def is_asked_for(query: Mapping[str, str], application: ApplicationState) -> bool:
    """Whether the parameters of a list or stream choose this application."""
    return (
        query.get("name", application.name) == application.name
        and query.get("projects", application.project) == application.project
        and query.get("appNamespace", application.namespace) == application.namespace
        and _is_selected(application, query.get("selector", ""))
    )


def _is_selected(application: ApplicationState, selector: str) -> bool:
    labels = application.manifest["metadata"].get("labels") or {}
    for part in filter(None, (each.strip() for each in selector.split(","))):
        name, separator, value = part.partition("=")
        if separator and labels.get(name.rstrip("=")) != value.lstrip("="):
            return False
        if not separator and name not in labels:
            return False
    return True
