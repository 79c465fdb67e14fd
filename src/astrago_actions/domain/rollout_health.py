"""Rows S4 to S6: health, verification of the images, settling, success.

Each function is one row of the rollout's state table: a verdict where the row applies, or None.
"""

from __future__ import annotations

from astrago_actions.domain.argocd_application import Pod
from astrago_actions.domain.image_families import holds, rivals, same_image
from astrago_actions.domain.rollout_preflight import first_line
from astrago_actions.domain.rollout_view import Verdict, View, Want, short

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
    if not troubled or not view.target.fail_fast or not view.rolling_out:
        return None
    pod = troubled[0]
    return _unhealthy(
        "crash-loop",
        f"{_named(pod)} crashes again and again ({pod.restarts} restarts)",
        pod,
        "Read the last log lines below: the new version fails at its start.",
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
    return view.target.fail_fast and view.rolling_out and view.for_how_long(name) >= grace


def _named(pod: Pod) -> str:
    return f"Pod {pod.name}"


def _unhealthy(row: str, headline: str, pod: Pod, remedy: str) -> Verdict:
    return Verdict("health", row, headline, "unhealthy", pod.message, remedy)


def progress_deadline_exceeded(view: View) -> Verdict | None:
    """S4: the Deployment itself gave up; confirmed by a second look."""
    if not _past_progress_deadline(view) or view.times_seen("progress-deadline") < 2:
        return None
    return Verdict(
        "health",
        "progress-deadline-exceeded",
        f"The rollout gave up: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "See the pods, events and logs below for what keeps the new pods from getting ready.",
    )


def _past_progress_deadline(view: View) -> bool:
    messages = [
        view.application.health_message,
        *(each.message for each in view.application.resources),
    ]
    return (
        view.synced_at_ours
        and view.application.health == "Degraded"
        and any("exceeded its progress deadline" in each for each in messages)
    )


def past_progress_deadline(view: View) -> bool:
    """Whether a Deployment's health says that its progress deadline is over."""
    return _past_progress_deadline(view)


def degraded(view: View) -> Verdict | None:
    """S4: Degraded since our sync, for longer than the grace."""
    if view.application.health != "Degraded":
        return None
    lasted = view.for_how_long("degraded")
    if lasted < view.target.graces.degraded:
        left = view.target.graces.degraded - lasted
        return Verdict(
            "health",
            "degraded-in-grace",
            f"degraded: {_health_words(view)} (fails in {left:.0f} s unless it recovers)",
            wants=view.pods_when_due,
        )
    return Verdict(
        "health",
        "degraded",
        f"Degraded for {lasted:.0f} s since the sync: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "See the pods, events and logs below.",
    )


def missing(view: View) -> Verdict | None:
    """S4: objects are missing though the sync succeeded."""
    if view.application.health != "Missing":
        return None
    lasted = view.for_how_long("missing")
    if lasted < view.target.graces.missing:
        return Verdict("health", "missing-in-grace", f"missing: {_health_words(view)}")
    return Verdict(
        "health",
        "missing",
        f"Still missing {lasted:.0f} s after the sync: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "Find out what deletes these objects again.",
    )


def unknown(view: View) -> Verdict | None:
    """S4: health is Unknown for longer than the grace."""
    if view.application.health != "Unknown":
        return None
    lasted = view.for_how_long("unknown")
    if lasted < view.target.graces.unknown:
        return Verdict("health", "unknown-in-grace", "health is not known yet")
    return Verdict(
        "health",
        "unknown",
        f"Health is unknown for {lasted:.0f} s: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "Check that Argo CD reaches the cluster and that its health checks run.",
    )


def suspended(view: View) -> Verdict | None:
    """S4: something waits to be resumed."""
    if view.application.health != "Suspended" or view.target.accept_suspended:
        return None
    paused = [each for each in view.application.resources if each.health == "Suspended"]
    names = ", ".join(map(str, paused)) or "a resource"
    return Verdict(
        "health",
        "suspended",
        f"suspended: {names} waits to be resumed",
        detail=_sick_resources(view),
        remedy="Resume it (Argo CD: the resource's menu; Argo Rollouts: `promote`), or set "
        "`accept-suspended: true`.",
    )


def progressing(view: View) -> Verdict | None:
    """S4: the rollout is under way."""
    if view.healthy:
        return None
    return Verdict(
        "health",
        "progressing",
        f"rolling out: {_health_words(view)}{_pod_words(view)}",
        wants=view.pods_when_due,
    )


def _pod_words(view: View) -> str:
    waiting = [each for each in new_pods(view) if each.health not in {"Healthy", ""}]
    if not waiting:
        return ""
    pod = waiting[0]
    why = pod.reason or pod.health
    return f"; {_named(pod)} {why}" + (f": {first_line(pod.message)}" if pod.message else "")


def _health_words(view: View) -> str:
    sick = [each for each in view.application.resources if each.health not in {"Healthy", ""}]
    if sick:
        said = f": {first_line(sick[0].message)}" if sick[0].message else f" is {sick[0].health}"
        return f"{sick[0]}{said}"
    return first_line(view.application.health_message) or view.application.health


def _sick_resources(view: View) -> str:
    sick = [each for each in view.application.resources if each.health not in {"Healthy", ""}]
    return "\n".join(f"- {each} is {each.health}: {each.message}".rstrip(": ") for each in sick)


def images_not_looked_up(view: View) -> Verdict | None:
    """S5: look at the wanted state and the pods of exactly this revision."""
    if not view.target.images:
        return None
    workload, since = view.current_workload, view.memory.sighting("good")
    if workload is not None and since is not None and workload.at >= since.since:
        return None
    return Verdict(
        "verify",
        "images-not-looked-up",
        "checking which images run",
        wants=frozenset({"workload"}),
        look_again=0.0 if view.times_seen("good") <= 1 else None,
    )


def superseded(view: View) -> Verdict | None:
    """S5: a newer commit contains ours and wants newer tags in place of all of ours."""
    taken = superseding_images(view)
    if not taken or len(view.missing_images) < len(view.wanted_images):
        return None
    newer = view.revision
    return Verdict(
        "verify",
        "superseded",
        f"Superseded by {short(newer)}, which wants {', '.join(taken)}",
        "superseded",
        f"Commit {newer} contains ours and replaced its tags.",
        "Nothing to do: the newer change carries the deployment on.",
        superseded_by=newer,
    )


def superseding_images(view: View) -> tuple[str, ...]:
    """Tags that a newer revision wants where ours stood; empty when it still wants ours."""
    came_later = view.relation == "newer" or (
        view.relation == "unknown" and view.memory.seen_at is not None
    )
    if not came_later or not view.missing_images:
        return ()
    desired = view.desired_images or ()
    return tuple(
        dict.fromkeys(image for wanted in view.missing_images for image in rivals(desired, wanted))
    )


def image_not_in_manifests(view: View) -> Verdict | None:
    """S5: the revision is ours and its manifests want another image: a stale cache, or our
    change did not reach the key that the templates read. One hard refresh tells.
    """
    if not view.missing_images or superseding_images(view):
        return None
    wanted = view.missing_images[0]
    instead = rivals(view.desired_images or (), wanted)
    shown = f"{instead[0]} instead" if instead else "no such image"
    if not view.observation.hard_refreshes and view.for_how_long("image-missing") < 60.0:
        return Verdict(
            "verify",
            "image-not-in-manifests-unconfirmed",
            f"the manifests of {short(view.revision)} want {shown}; refreshing without caches",
            wants=frozenset({"hard-refresh"}),
        )
    return Verdict(
        "verify",
        "stale-manifest-cache" if instead else "image-not-in-manifests",
        f"The manifests of {short(view.revision)} do not want {wanted}",
        "manifest-error",
        f"At {view.revision} Argo CD wants {shown}.",
        "Check that the changed key is the one that the chart reads, and that no other values "
        "file overrides it; if it is, Argo CD's manifest cache is stale.",
    )


def old_pods_left(view: View) -> Verdict | None:
    """S5: pods with an earlier tag still run."""
    left = old_pods(view)
    if not left:
        return None
    wants: frozenset[Want] = frozenset({"workload"})
    return Verdict(
        "verify",
        "old-pods-left",
        f"{len(left)} pod{'s' if len(left) > 1 else ''} still run an earlier image, "
        f"such as {left[0].name}",
        detail="\n".join(f"- {each.name}: {', '.join(each.images)}" for each in left),
        wants=wants,
    )


def settling(view: View) -> Verdict | None:
    """S6: all is well; it has to stay so for `settle` seconds and two looks."""
    lasted = view.for_how_long("good")
    left = view.target.graces.settle - lasted
    if view.times_seen("good") >= 2 and left <= 0:
        return None
    return Verdict(
        "settle",
        "settling",
        f"healthy; watching for {max(left, 0):.0f} s more",
        look_again=max(left, 0.0),
    )


def done(view: View) -> Verdict:
    """S6: success: deployed, or nothing to do here, or partly superseded."""
    notices = tuple(_remarks(view))
    taken = superseding_images(view)
    if taken:
        return Verdict(
            "settle",
            "partly-superseded",
            f"Live, but {', '.join(taken)} took the place of some of our images",
            "superseded",
            notices=notices,
            superseded_by=view.revision,
        )
    if _nothing_changed(view):
        return Verdict(
            "settle",
            "no-change",
            f"Our commit changes nothing that {view.application.name} deploys; it is healthy",
            "no-change",
            notices=notices,
        )
    return Verdict("settle", "deployed", "Live and healthy", "deployed", notices=notices)


def _nothing_changed(view: View) -> bool:
    if view.has_none_of_the_shared_images:
        return True
    return view.our_operation is None and view.memory.sync_began_at is None


def _remarks(view: View) -> list[str]:
    remarks = []
    if view.application.only_pruning_left:
        names = ", ".join(map(str, view.application.out_of_sync))
        remarks.append(f"Left over because pruning is off: {names}.")
    if view.relation in {"unknown", "diverged"} and view.target.revision:
        remarks.append(
            "Whether the live commit contains ours could not be checked; the images decided."
        )
    workload = view.observation.workload
    pods = workload.pods if workload else None
    if pods is not None:
        idle = [
            wanted
            for wanted in view.wanted_images
            if not any(same_image(wanted, each) for pod in pods for each in pod.images)
            and wanted not in view.missing_images
        ]
        if idle:
            remarks.append(f"No pod runs {', '.join(idle)} just now; the wanted state names it.")
    if view.target.images and view.desired_images is None:
        remarks.append("The wanted state could not be read, so the images were not verified.")
    return remarks
