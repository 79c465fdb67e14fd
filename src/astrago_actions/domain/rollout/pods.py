"""Rows S4 about new pods that cannot start, and which pods are new and old."""

from __future__ import annotations

from astrago_actions.domain.image_families import holds, rivals
from astrago_actions.domain.rollout.application import (
    Pod,
)
from astrago_actions.domain.rollout.values import (
    Verdict,
)
from astrago_actions.domain.rollout.view import View

IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
    }
)


def new_pods(view: View) -> tuple[Pod, ...]:
    """Pods that belong to our change: with our images, or else of the newest ReplicaSet."""
    workload = view.observation.workload
    if workload is None or workload.pods is None:
        return ()
    living = [each for each in workload.pods if not each.terminating and not each.finished]
    if view.wanted_images:
        return tuple(each for each in living if _has_ours(view, each))
    return tuple(
        each for each in living if each.newest and each.uid not in view.memory.baseline_pods
    )


def old_pods(view: View) -> tuple[Pod, ...]:
    """Pods that still run an earlier tag of one of our images and are not being taken down."""
    workload = view.observation.workload
    if workload is None or workload.pods is None:
        return ()
    return tuple(
        each
        for each in workload.pods
        if not each.terminating and not each.finished and _has_rival(view, each)
    )


def _has_ours(view: View, pod: Pod) -> bool:
    return any(holds(pod.images, wanted) for wanted in view.wanted_images)


def _has_rival(view: View, pod: Pod) -> bool:
    desired = view.desired_images or ()
    return any(
        rival
        for wanted in view.wanted_images
        for rival in rivals(pod.images, wanted)
        if not holds(desired, rival)
    )


def in_image_trouble(pod: Pod) -> bool:
    """Whether its image or configuration keeps a container from being made."""
    return pod.reason.rpartition(":")[2] in IMAGE_REASONS


def in_crash_loop(pod: Pod, restarts: int) -> bool:
    """Whether a container keeps ending soon after each start."""
    reason = pod.reason.rpartition(":")[2]
    return reason in {"CrashLoopBackOff", "Error"} and pod.restarts >= restarts


def is_unschedulable(pod: Pod) -> bool:
    """Whether no node takes it."""
    return pod.reason == "Unschedulable" or "nodes are available" in pod.message


def image_cannot_be_pulled(view: View) -> Verdict | None:
    """S4: a new pod's image cannot be pulled, or its container not be made."""
    troubled = [each for each in new_pods(view) if in_image_trouble(each)]
    if not _fails_early(view, "image-trouble", view.target.graces.image) or not troubled:
        return None
    pod = troubled[0]
    configuration = "Config" in pod.reason or "CreateContainer" in pod.reason
    remedy = (
        "Correct the ConfigMap or Secret that the container asks for."
        if configuration
        else "Check that this tag was pushed, that its name is right and that the cluster's pull "
        "secret may read it."
    )
    return _unhealthy("image-cannot-be-pulled", f"{_named(pod)}: {pod.reason}", pod, remedy)


def crash_loop(view: View) -> Verdict | None:
    """S4: a new pod keeps crashing."""
    limit = view.target.graces.restarts
    troubled = [each for each in new_pods(view) if in_crash_loop(each, limit)]
    if not troubled or not _may_fail_early(view):
        return None
    pod = troubled[0]
    return _unhealthy(
        "crash-loop",
        f"{_named(pod)} crashes again and again ({pod.restarts} restarts)",
        pod,
        "Read its last log lines in this step's log: the new version fails at its start.",
    )


def unschedulable(view: View) -> Verdict | None:
    """S4: no node takes a new pod."""
    troubled = [each for each in new_pods(view) if is_unschedulable(each)]
    if not _fails_early(view, "unschedulable", view.target.graces.unschedulable) or not troubled:
        return None
    return _unhealthy(
        "unschedulable",
        f"{_named(troubled[0])} finds no node",
        troubled[0],
        "Free or add capacity, or correct the pod's requests, node selector and tolerations.",
    )


def _fails_early(view: View, name: str, grace: float) -> bool:
    return _may_fail_early(view) and view.seen_after_grace(name, grace)


def _may_fail_early(view: View) -> bool:
    """Not on pods as they were before the application became healthy."""
    return view.target.fail_fast and view.rolling_out and not view.pods_are_outdated


def _named(pod: Pod) -> str:
    return f"Pod {pod.name}"


def _unhealthy(row: str, headline: str, pod: Pod, remedy: str) -> Verdict:
    return Verdict("health", row, headline, "unhealthy", pod.message, remedy, pod=pod.name)
