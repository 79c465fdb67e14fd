"""One observed application beside its target and memory, and what follows from the three."""

from __future__ import annotations

from dataclasses import dataclass

from astrago_actions.domain.image_families import holds, rivals
from astrago_actions.domain.rollout.application import (
    Application,
    Operation,
    Workload,
)
from astrago_actions.domain.rollout.values import (
    FIRST_LOOK_AT_PODS,
    LOOK_AT_PODS_EVERY,
    Memory,
    Observation,
    Relation,
    Target,
    Want,
)
from astrago_actions.domain.rollout.words import normal_repository


@dataclass(frozen=True)
class View:
    """One observed application beside its target and memory, and what follows from the three."""

    target: Target
    observation: Observation
    memory: Memory
    application: Application

    def for_how_long(self, name: str) -> float:
        """Seconds for which `name` has been seen without interruption; 0 when it is not."""
        sighting = self.memory.sighting(name)
        return 0.0 if sighting is None else self.observation.at - sighting.since

    def times_seen(self, name: str) -> int:
        """At how many looks in a row `name` has been seen."""
        sighting = self.memory.sighting(name)
        return 0 if sighting is None else sighting.count

    def confirmed(self, name: str) -> bool:
        """Whether `name` is still seen after a later refresh, or so long that none is answered."""
        if self.times_seen(name) < 2:
            return False
        graces = self.target.graces
        lasted = self.for_how_long(name)
        if self.target.refresh == "none":
            return lasted >= graces.confirm
        again = self.observation.refreshes >= 2 or self.observation.hard_refreshes >= 1
        return (again and lasted >= graces.confirm) or lasted >= 1.5 * graces.refresh_again

    def wants_to_confirm(self, name: str) -> frozenset[Want]:
        """Refresh; after a while once without caches, which keep errors too."""
        if self.for_how_long(name) < self.target.graces.confirm:
            return frozenset({"refresh"})
        return frozenset({"refresh", "hard-refresh"})

    @property
    def our_sources(self) -> tuple[int, ...]:
        """The positions of the sources that are our repository; all of them when it is unknown."""
        sources = self.application.sources
        if self.application.hydrated_from is not None or not self.target.repository:
            return tuple(range(len(sources)))
        return tuple(
            index
            for index, source in enumerate(sources)
            if normal_repository(source.repository) == self.target.repository
        )

    def relation_of(self, revision: str) -> Relation:
        """How a revision stands to ours."""
        if not revision or not self.target.revision:
            return "unknown"
        if revision == self.target.revision:
            return "same"
        return self.observation.relations.get(revision, "unknown")

    def best_relation(self, revisions: tuple[str, ...]) -> Relation:
        """The closest relation to ours among the revisions of our sources."""
        if len(revisions) == len(self.application.sources):
            revisions = tuple(revisions[index] for index in self.our_sources)
        relations = {self.relation_of(each) for each in revisions}
        order: tuple[Relation, ...] = ("same", "newer", "older", "diverged")
        return next((each for each in order if each in relations), "unknown")

    @property
    def relation(self) -> Relation:
        """How the compared revision stands to ours."""
        hydration = self.application.hydration
        if hydration is None:
            return self.best_relation(self.application.revisions)
        compared = hydration.hydrated_revision in self.application.revisions
        if compared and hydration.phase == "Hydrated":
            return self.relation_of(hydration.dry_revision)
        if hydration.last_compared_dry_revision:
            return self.relation_of(hydration.last_compared_dry_revision)
        return "older"

    @property
    def revision(self) -> str:
        """The compared revision of our source ("" when nothing was compared yet)."""
        revisions = self.application.revisions
        ours = [index for index in self.our_sources if index < len(revisions)]
        for index in ours:
            if self.relation_of(revisions[index]) in {"same", "newer"}:
                return revisions[index]
        if ours:
            return revisions[ours[0]]
        return revisions[0] if revisions else ""

    @property
    def current_workload(self) -> Workload | None:
        """Pods and wanted images, if they were looked up for this very comparison."""
        workload = self.observation.workload
        if workload is None or workload.revisions != self.application.revisions:
            return None
        fresh = workload.hard_refreshes == self.observation.hard_refreshes
        return workload if fresh else None

    @property
    def desired_images(self) -> tuple[str, ...] | None:
        """The images that the compared revision wants; None when that was not looked up."""
        return self.current_workload.desired_images if self.current_workload else None

    @property
    def pods_when_due(self) -> frozenset[Want]:
        """Look at the pods again, now and then, and when a grace ends that they are given."""
        due = self.pods_decide or self._pods_are_due
        return frozenset({"workload"}) if due else frozenset()

    @property
    def _pods_are_due(self) -> bool:
        workload, at = self.current_workload, self.observation.at
        if workload is not None:
            return at - workload.at >= LOOK_AT_PODS_EVERY
        marks = (self.memory.sync_began_at, self.memory.synced_at)
        began = min((each for each in marks if each is not None), default=at)
        return at - began >= FIRST_LOOK_AT_PODS

    @property
    def pods_decide(self) -> bool:
        """Whether a grace of the pods has ended since they were looked at: a look will decide."""
        workload, graces = self.observation.workload, self.target.graces
        if workload is None or not self.target.fail_fast:
            return False
        given = {"image-trouble": graces.image, "unschedulable": graces.unschedulable}
        return any(
            self.for_how_long(name) >= grace and not self.seen_after_grace(name, grace)
            for name, grace in given.items()
            if self.memory.sighting(name)
        )

    def seen_after_grace(self, name: str, grace: float) -> bool:
        """Whether the pods were looked at after `name` had been seen for the whole grace."""
        sighting, workload = self.memory.sighting(name), self.observation.workload
        return bool(sighting and workload and workload.at >= sighting.since + grace)

    @property
    def look_at_pods_at_once(self) -> float | None:
        """When to look again: at once where the pods decide, else as usual."""
        return 0.0 if self.pods_decide else None

    @property
    def pods_are_outdated(self) -> bool:
        """Whether the application became healthy after its pods were looked at."""
        good, workload = self.memory.sighting("good"), self.observation.workload
        return bool(good and workload and workload.at < good.since)

    @property
    def wanted_images(self) -> tuple[str, ...]:
        """The images that this application has to run: ours, without those of other ones."""
        desired = self.desired_images
        if not self.target.shared or desired is None:
            return self.target.images
        return tuple(
            each for each in self.target.images if holds(desired, each) or rivals(desired, each)
        )

    @property
    def missing_images(self) -> tuple[str, ...]:
        """Wanted images that the compared revision does not want (none when that is unknown)."""
        desired = self.desired_images
        if desired is None:
            return ()
        return tuple(each for each in self.wanted_images if not holds(desired, each))

    @property
    def images_are_desired(self) -> bool:
        """Whether it is known that the compared revision wants our images."""
        desired = self.desired_images
        return bool(self.wanted_images) and desired is not None and not self.missing_images

    @property
    def has_none_of_the_shared_images(self) -> bool:
        """Whether all of the images belong to the other applications that are waited for."""
        known = bool(self.target.images) and self.desired_images is not None
        return self.target.shared and known and not self.wanted_images

    @property
    def seen(self) -> bool:
        """Whether Argo CD compares at our commit or one that contains it.

        Where ancestry cannot tell, the images that the revision wants decide; they do too on a
        rewritten branch, but there an application without any of them proves nothing.
        """
        if not any(self.application.revisions):
            return False
        if self.relation in {"same", "newer"}:
            return True
        if self.relation == "unknown":
            return self.images_are_desired or self.has_none_of_the_shared_images
        return self.relation == "diverged" and self.images_are_desired

    @property
    def synced(self) -> bool:
        """Whether the cluster is as the compared revision wants it."""
        in_sync = self.application.sync_status == "Synced" or self.application.only_pruning_left
        return in_sync and not self.application.operation_pending

    @property
    def synced_at_ours(self) -> bool:
        """Whether our change is applied, on a comparison not older than the last operation."""
        return self.seen and self.synced and self.application.compared_since_operation

    def is_ours(self, operation: Operation) -> bool:
        """Whether an operation applies our commit or one that contains it."""
        if self.best_relation(operation.revisions) in {"same", "newer"}:
            return True
        current = set(operation.revisions) & {self.revision}
        return bool(current) and self.seen

    @property
    def our_operation(self) -> Operation | None:
        """The last operation, if it applies our change."""
        operation = self.application.operation
        return operation if operation is not None and self.is_ours(operation) else None

    @property
    def rolling_out(self) -> bool:
        """Whether our change is being or has been applied, so that its pods are ours to watch."""
        running = self.our_operation is not None and self.application.operation_pending
        return self.synced_at_ours or running

    @property
    def healthy(self) -> bool:
        """Whether the application's health lets the wait end."""
        accepted = {"Healthy", "Suspended"} if self.target.accept_suspended else {"Healthy"}
        return self.application.health in accepted
