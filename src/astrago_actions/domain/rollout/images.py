"""Rows S5 and S6: verification of the images, settling, success."""

from __future__ import annotations

from astrago_actions.domain.image_families import rivals, same_image
from astrago_actions.domain.rollout.pods import old_pods
from astrago_actions.domain.rollout.values import (
    Verdict,
    Want,
)
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import short


def images_not_looked_up(view: View) -> Verdict | None:
    """S5: look at the wanted state and the pods of exactly this revision."""
    if not view.target.images:
        return None
    workload, since = view.current_workload, view.memory.sighting("good")
    looked_up = workload is not None and workload.desired_asked
    if looked_up and workload is not None and since is not None and workload.at >= since.since:
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
    if view.relation == "unknown" and view.target.revision:
        remarks.append(
            "Whether the live commit contains ours could not be checked; the images decided."
        )
    if view.relation == "diverged":
        remarks.append("The branch was rewritten without our commit; the images decided.")
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
