"""The table of scenarios: every row of the state machine, and both orders where loops race."""

from __future__ import annotations

from tests.rollout_script import (
    BRANCH,
    IMAGE,
    NEW_IMAGE,
    NEWER,
    OLD_IMAGE,
    OLDER,
    OTHER,
    OURS,
    REPOSITORY_URL,
    Frame,
    Scenario,
    application,
    live,
    moment,
    operation,
    pod,
    resource,
)

OLD = Frame(0, live(OLDER), desired=(OLD_IMAGE,), pods=(pod(OLD_IMAGE, revision=1),))
OUT_OF_SYNC = application(OURS, "OutOfSync", done=operation(revision=OLDER))
RUNNING = application(
    OURS,
    "OutOfSync",
    requested={"sync": {"revision": OURS}},
    done=operation("Running", ended=None),
)
PROGRESSING = application(
    OURS,
    health="Progressing",
    done=operation(),
    resources=(
        resource(health="Progressing", message="Waiting for rollout to finish: 1 of 2 updated"),
    ),
)
GAVE_UP = resource(
    name="batch",
    health="Degraded",
    message='Deployment "batch" exceeded its progress deadline',
)
HELM_ERROR = {"ComparisonError": "Failed to load target state: `helm template` failed: bad indent"}
NETWORK_ERROR = {"ComparisonError": "rpc error: code = Unavailable desc = connection refused"}


def end(at: float, **more: object) -> Frame:
    """Everything is live from this second on."""
    return Frame(at, live(**more))  # type: ignore[arg-type]


def degraded(message: str = "") -> dict[str, object]:
    """Synced at ours and Degraded."""
    return application(
        OURS,
        health="Degraded",
        done=operation(),
        resources=(resource(health="Degraded", message=message),),
    )


PREFLIGHT = (
    Scenario(
        "the certificate is not trusted",
        (Frame(0, trouble="certificate"),),
        "config",
        "tls-verify-fails",
        "`ca-cert`",
        by=2,
    ),
    Scenario(
        "nobody listens at the address",
        (Frame(0, trouble="no contact"),),
        "unreachable",
        "never-reached",
        "Check `server`",
        by=2,
    ),
    Scenario("a login page answers", (Frame(0, trouble="page"),), "config", "not-argo-cd", by=2),
    Scenario("a redirect to a login", (Frame(0, trouble="redirect"),), "config", "not-argo-cd"),
    Scenario("the root path is missing", (Frame(0, trouble="404 page"),), "config", "not-argo-cd"),
    Scenario("the token is refused", (Frame(0, trouble="401"),), "auth", "not-logged-in", by=2),
    Scenario(
        "nobody is logged in", (OLD,), "auth", "not-logged-in", "logged", by=2, logged_in=False
    ),
    Scenario(
        "the application is hidden or missing",
        (Frame(0, trouble="403"),),
        "not-found",
        "application-hidden",
        "unless `project` is given",
        by=2,
    ),
    Scenario(
        "the application is missing in its project",
        (Frame(0, trouble="404"),),
        "not-found",
        "application-hidden",
        "not in it",
        by=2,
    ),
    Scenario(
        "the application is awaited",
        (Frame(0, trouble="403"), end(20)),
        not_before=20,
        inputs={"wait-for-application": "true"},
    ),
    Scenario(
        "the awaited application never comes",
        (Frame(0, trouble="403"),),
        "not-found",
        "application-awaited",
        inputs={"wait-for-application": "true", "timeout": "60"},
    ),
    Scenario(
        "the request is refused as such",
        (Frame(0, trouble="400"),),
        "config",
        "request-refused",
        by=2,
    ),
    Scenario(
        "no source is our repository",
        (
            Frame(
                0,
                application(
                    spec={"source": {"repoURL": "https://github.com/x/y", "path": "a"}},
                ),
            ),
        ),
        "config",
        "no-source-is-ours",
        "github.com/x/y",
        by=2,
        inputs={"deployment-repository": "xiilab/astrago-deployment"},
    ),
    Scenario(
        "a repository is ours in whatever way it is written",
        (
            OLD,
            end(
                4,
                spec={
                    "source": {
                        "repoURL": "git@GitHub.com:xiilab/Astrago-Deployment.git",
                        "path": "a",
                        "targetRevision": BRANCH,
                    }
                },
            ),
        ),
        inputs={"deployment-repository": "xiilab/astrago-deployment"},
    ),
    Scenario(
        "another branch is followed, as `branch` tells",
        (OLD,),
        "config",
        "follows-another-revision",
        "`main`",
        by=2,
        inputs={"branch": "stabilize/1.0"},
        relations={BRANCH: "unknown"},
    ),
    Scenario(
        "another branch is followed, as ancestry tells",
        (Frame(0, live(OTHER), desired=(OLD_IMAGE,)),),
        "config",
        "follows-another-revision",
        by=6,
        relations={BRANCH: "diverged"},
    ),
    Scenario(
        "a branch is followed that our commit is not on yet",
        (OLD,),
        "config",
        "follows-another-revision",
        by=6,
        relations={BRANCH: "older"},
    ),
    Scenario(
        "a branch is followed that GitHub sees late",
        (OLD, end(4)),
        relations={BRANCH: "unknown"},
    ),
    Scenario(
        "a fixed commit is followed that is not ours",
        (
            Frame(
                0,
                application(
                    spec={
                        "source": {
                            "repoURL": REPOSITORY_URL,
                            "path": "a",
                            "targetRevision": OLDER,
                        }
                    }
                ),
            ),
        ),
        "config",
        "follows-another-revision",
        by=2,
    ),
    Scenario(
        "a fixed commit is followed that is ours",
        (
            end(
                0,
                spec={
                    "source": {"repoURL": REPOSITORY_URL, "path": "a", "targetRevision": OURS},
                },
            ),
        ),
    ),
    Scenario(
        "the application is being deleted",
        (Frame(0, application(metadata={"deletionTimestamp": moment(0)})),),
        "not-found",
        "deletion-under-way",
        by=2,
    ),
    Scenario(
        "auto-sync is off and we may not sync",
        (Frame(0, application(manual=True)),),
        "config",
        "nothing-will-sync",
        by=2,
        inputs={"sync": "never"},
    ),
    Scenario(
        "auto-sync is off, we may not sync, and somebody already did",
        (end(0, manual=True),),
        inputs={"sync": "never"},
    ),
)

REFRESH_AND_COMMIT = (
    Scenario("healthy on the old commit at the start", (OLD, end(30)), not_before=30),
    Scenario(
        "the refresh is refused by a proxy",
        (Frame(0, live(OLDER), refresh="refused", desired=(OLD_IMAGE,)), end(50)),
        not_before=50,
    ),
    Scenario(
        "the refresh is never answered",
        (
            Frame(
                0,
                application(
                    metadata={"annotations": {"argocd.argoproj.io/refresh": "normal"}},
                ),
                refresh="pending",
                desired=(OLD_IMAGE,),
            ),
        ),
        "timeout",
        "sync-overdue",
        "slow or stuck",
    ),
    Scenario(
        "a hard refresh is asked for first",
        (Frame(0, live()),),
        inputs={"refresh": "hard"},
    ),
    Scenario(
        "our commit is never seen",
        (OLD,),
        "timeout",
        "sync-overdue",
        "waiting for Argo CD to see aaaaaaaa",
        by=140,
    ),
    Scenario(
        "a newer commit that contains ours",
        (OLD, Frame(10, live(NEWER))),
    ),
    Scenario(
        "the sources cannot be reached for a while",
        (OLD, Frame(4, application(OLDER, "Unknown", conditions=NETWORK_ERROR)), end(200)),
        not_before=200,
    ),
    Scenario(
        "the sources can never be reached",
        (Frame(0, application(OLDER, "Unknown", conditions=NETWORK_ERROR)),),
        "timeout",
        "deadline",
        "cannot reach its sources",
        inputs={"timeout": "180"},
    ),
    Scenario(
        "the manifests cannot be made",
        (OLD, Frame(2, application("", "Unknown", conditions=HELM_ERROR))),
        "manifest-error",
        "manifest-error",
        "bad indent",
        not_before=20,
        by=60,
    ),
    Scenario(
        "the manifests cannot be made for a moment",
        (OLD, Frame(2, application(OURS, "Unknown", conditions=HELM_ERROR)), end(12)),
    ),
    Scenario(
        "an old complaint about manifests, before our refresh",
        (
            Frame(0, application(OLDER, "Unknown", conditions=HELM_ERROR), refresh="pending"),
            end(30),
        ),
    ),
    Scenario(
        "the manifests cannot be made, and refreshes are never answered",
        (Frame(0, application(OLDER, "Unknown", conditions=HELM_ERROR), refresh="pending"),),
        "manifest-error",
        "manifest-error",
        by=125,
    ),
    Scenario(
        "the spec is refused",
        (Frame(0, application(conditions={"InvalidSpecError": "destination is not permitted"})),),
        "config",
        "spec-error",
        "not permitted",
        by=60,
    ),
    Scenario(
        "the spec is refused for a moment",
        (
            Frame(0, application(conditions={"InvalidSpecError": "cluster is not known"})),
            end(10),
        ),
    ),
    Scenario(
        "the branch was rewritten",
        (OLD, Frame(4, live(OTHER), desired=(NEW_IMAGE,))),
        "rewritten",
        "branch-rewritten",
        "does not contain our commit",
        not_before=20,
        by=60,
    ),
    Scenario(
        "the branch was rewritten before Argo CD looked",
        (OLD, Frame(4, live(OTHER), desired=(NEW_IMAGE,))),
        "rewritten",
        "branch-rewritten",
        by=60,
        relations={BRANCH: "diverged"},
    ),
    Scenario(
        "the branch had been rewritten before our commit",
        (Frame(0, live(OTHER), desired=(OLD_IMAGE,)), end(10)),
    ),
    Scenario(
        "a rebased branch that still wants our images",
        (OLD, Frame(4, live(OTHER))),
        says="the images decided",
    ),
    Scenario(
        "ancestry is unknown and the images decide",
        (OLD, Frame(10, live(NEWER))),
        says="the images decided",
        relations={NEWER: "unknown", OLDER: "unknown", BRANCH: "unknown"},
    ),
    Scenario(
        "ancestry is unknown and there are no images",
        (OLD, Frame(10, live(NEWER))),
        "timeout",
        "sync-overdue",
        "unknown: give `deployment-token` or `images`",
        inputs={"images": ""},
        relations={NEWER: "unknown", OLDER: "unknown", BRANCH: "unknown"},
    ),
    Scenario(
        "only images are known",
        (OLD, end(10)),
        inputs={"revision": ""},
    ),
    Scenario(
        "ours is the source that lends its values",
        (
            OLD,
            Frame(
                8,
                application(
                    "",
                    done=operation(
                        syncResult={"revisions": ["1.2.3", OURS], "resources": []},
                    ),
                    spec={
                        "source": None,
                        "sources": [
                            {"repoURL": "https://charts.example.com", "chart": "web"},
                            {"repoURL": REPOSITORY_URL, "targetRevision": BRANCH, "ref": "values"},
                        ],
                    },
                    status={"sync": {"status": "Synced", "revisions": ["1.2.3", OURS]}},
                ),
            ),
        ),
    ),
    Scenario(
        "the hydrator is working on our commit",
        (
            Frame(
                0,
                application(
                    "c" * 40,
                    spec={
                        "source": None,
                        "sourceHydrator": {
                            "drySource": {
                                "repoURL": REPOSITORY_URL,
                                "targetRevision": BRANCH,
                                "path": "a",
                            },
                            "syncSource": {"targetBranch": "env/stage", "path": "a"},
                        },
                    },
                    status={
                        "sourceHydrator": {
                            "currentOperation": {"phase": "Hydrating", "drySHA": OURS}
                        }
                    },
                ),
                desired=(OLD_IMAGE,),
            ),
            Frame(
                15,
                application(
                    "e" * 40,
                    done=operation(revision="e" * 40),
                    spec={
                        "source": None,
                        "sourceHydrator": {
                            "drySource": {
                                "repoURL": REPOSITORY_URL,
                                "targetRevision": BRANCH,
                                "path": "a",
                            },
                            "syncSource": {"targetBranch": "env/stage", "path": "a"},
                        },
                    },
                    status={
                        "sourceHydrator": {
                            "currentOperation": {
                                "phase": "Hydrated",
                                "drySHA": OURS,
                                "hydratedSHA": "e" * 40,
                            }
                        }
                    },
                ),
            ),
        ),
        not_before=15,
    ),
    Scenario(
        "the hydrator fails on our commit",
        (
            Frame(
                0,
                application(
                    "c" * 40,
                    spec={
                        "source": None,
                        "sourceHydrator": {
                            "drySource": {
                                "repoURL": REPOSITORY_URL,
                                "targetRevision": BRANCH,
                                "path": "a",
                            },
                            "syncSource": {"targetBranch": "env/stage", "path": "a"},
                        },
                    },
                    status={
                        "sourceHydrator": {
                            "currentOperation": {
                                "phase": "Failed",
                                "drySHA": OURS,
                                "message": "no such chart",
                            }
                        }
                    },
                ),
                desired=(OLD_IMAGE,),
            ),
        ),
        "manifest-error",
        "hydration-failed",
        "no such chart",
    ),
)

SYNC = (
    Scenario(
        "asked for, then running, then done",
        (
            OLD,
            Frame(
                2,
                application(
                    OURS,
                    "OutOfSync",
                    requested={"sync": {"revision": OURS}},
                    done=operation(revision=OLDER),
                ),
            ),
            Frame(4, RUNNING),
            end(8),
        ),
    ),
    Scenario(
        "the operation ends before the comparison after it",
        (
            OLD,
            Frame(4, RUNNING),
            Frame(8, application(OURS, "OutOfSync", done=operation(ended=500), reconciled=400)),
            end(12),
        ),
    ),
    Scenario(
        "the comparison is older than the operation though it looks synced and healthy",
        (
            OLD,
            Frame(4, application(OURS, done=operation(ended=500), reconciled=400)),
            Frame(40, PROGRESSING),
            end(60),
        ),
        not_before=60,
    ),
    Scenario(
        "the comparison comes within the same second as the operation's end",
        (OLD, Frame(4, application(OURS, done=operation(ended=500), reconciled=500))),
    ),
    Scenario(
        "a failed attempt that will be repeated is not the end",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    requested={"sync": {"revision": OURS}},
                    done=operation(
                        "Running",
                        ended=5,
                        retryCount=1,
                        message="x. Retrying attempt #1 at 3:04PM.",
                    ),
                ),
            ),
            end(30),
        ),
    ),
    Scenario(
        "attempts that fail until the time for syncing is over",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    requested={"sync": {"revision": OURS}},
                    done=operation(
                        "Running", ended=5, retryCount=3, message="no. Retrying attempt #3 at 3PM."
                    ),
                ),
            ),
        ),
        "sync-failed",
        "sync-overdue",
        "retry 3 of 5",
    ),
    Scenario(
        "an older sync is in the way",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    requested={"sync": {"revision": OLDER}},
                    done=operation("Running", OLDER, ended=None),
                ),
            ),
            Frame(20, RUNNING),
            end(30),
        ),
    ),
    Scenario(
        "an older sync hangs",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    requested={"sync": {"revision": OLDER}},
                    done=operation("Running", OLDER, ended=None),
                ),
            ),
        ),
        "timeout",
        "sync-overdue",
        "queued behind the older sync",
    ),
    Scenario(
        "a sync window blocks for a while",
        (
            OLD,
            Frame(
                4, OUT_OF_SYNC, window={"kind": "deny", "schedule": "0 1 * * *", "duration": "1h"}
            ),
            end(300),
        ),
        not_before=300,
    ),
    Scenario(
        "a sync window blocks and that is a failure",
        (
            OLD,
            Frame(
                4, OUT_OF_SYNC, window={"kind": "deny", "schedule": "0 1 * * *", "duration": "1h"}
            ),
        ),
        "blocked",
        "window-blocks-fails",
        "0 1 * * *",
        by=20,
        inputs={"on-sync-window": "fail"},
    ),
    Scenario(
        "a sync window blocks a running sync",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    requested={"sync": {"revision": OURS}},
                    done=operation(
                        "Running", ended=None, message="Sync operation blocked by sync window"
                    ),
                ),
            ),
        ),
        "blocked",
        "window-blocks-fails",
        by=20,
        inputs={"on-sync-window": "fail"},
    ),
    Scenario(
        "the sync of our commit failed",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    done=operation(
                        "Failed",
                        message="one or more objects failed to apply",
                        resources=[
                            {
                                "kind": "Service",
                                "name": "web",
                                "status": "SyncFailed",
                                "message": "spec.clusterIP: field is immutable",
                            }
                        ],
                    ),
                ),
            ),
        ),
        "sync-failed",
        "sync-failed",
        "field is immutable",
        by=20,
    ),
    Scenario(
        "the sync of an older commit failed",
        (
            Frame(0, application(OLDER, done=operation("Failed", OLDER)), desired=(OLD_IMAGE,)),
            Frame(4, application(OURS, "OutOfSync", done=operation("Failed", OLDER))),
            Frame(8, RUNNING),
            end(14),
        ),
    ),
    Scenario(
        "the sync of our commit failed and a newer one follows",
        (
            OLD,
            Frame(4, application(NEWER, "OutOfSync", done=operation("Failed"))),
            Frame(14, live(NEWER)),
        ),
    ),
    Scenario(
        "auto-sync gave up on our commit",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    conditions={"SyncError": f"Failed last sync attempt to [{OURS}]: no"},
                ),
            ),
        ),
        "sync-failed",
        "autosync-gave-up",
        by=20,
    ),
    Scenario(
        "auto-sync gave up on an older commit",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    conditions={"SyncError": f"Failed last sync attempt to [{OLDER}]: no"},
                ),
            ),
            end(20),
        ),
    ),
    Scenario(
        "auto-sync refuses to delete everything",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    conditions={
                        "SyncError": "Skipping sync: auto-sync will wipe out all resources"
                    },
                ),
            ),
        ),
        "sync-failed",
        "autosync-gave-up",
        "wipe out",
    ),
    Scenario(
        "auto-sync is stuck and a nudge helps",
        (OLD, Frame(4, OUT_OF_SYNC)),
        not_before=45,
        after_sync=(Frame(0, RUNNING), end(6)),
    ),
    Scenario(
        "auto-sync is stuck and we may not sync",
        (OLD, Frame(4, OUT_OF_SYNC)),
        "timeout",
        "sync-overdue",
        "auto-sync has not begun",
        inputs={"sync": "never"},
    ),
    Scenario(
        "auto-sync is stuck and our sync is refused",
        (OLD, Frame(4, OUT_OF_SYNC, sync_answer="forbidden")),
        "timeout",
        "sync-overdue",
        "our sync was refused",
    ),
    Scenario(
        "another operation is in progress when we sync",
        (
            OLD,
            Frame(4, OUT_OF_SYNC, sync_answer="busy"),
            Frame(60, OUT_OF_SYNC, sync_answer="accepted"),
        ),
        after_sync=(end(6),),
    ),
    Scenario(
        "a window refuses our sync",
        (Frame(0, application(OURS, "OutOfSync", manual=True), sync_answer="window"),),
        "blocked",
        "window-blocks-fails",
        inputs={"on-sync-window": "fail", "sync": "if-needed"},
        by=20,
    ),
    Scenario(
        "nothing differs but what may not be pruned",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    done=operation(),
                    automated={"prune": False},
                    resources=(
                        resource(),
                        resource("ConfigMap", "old", "OutOfSync", requiresPruning=True),
                    ),
                ),
            ),
        ),
        says="pruning is off: ConfigMap old",
    ),
    Scenario(
        "something is changed back and healed",
        (
            OLD,
            Frame(4, application(OURS, "OutOfSync", done=operation())),
            end(40),
        ),
        not_before=40,
    ),
    Scenario(
        "something is changed back for ever",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    "OutOfSync",
                    done=operation(),
                    resources=(resource("Ingress", "web", "OutOfSync"),),
                ),
            ),
        ),
        "timeout",
        "sync-overdue",
        "Ingress web",
    ),
    Scenario(
        "auto-sync is off and we sync",
        (
            Frame(0, application(OLDER, manual=True), desired=(OLD_IMAGE,)),
            Frame(4, application(OURS, "OutOfSync", manual=True)),
        ),
        inputs={"sync": "if-needed"},
        after_sync=(end(5, manual=True),),
    ),
    Scenario(
        "auto-sync is off and somebody syncs",
        (
            Frame(0, application(OURS, "OutOfSync", manual=True)),
            end(60, manual=True),
        ),
        not_before=60,
    ),
    Scenario(
        "auto-sync is off and nobody syncs",
        (Frame(0, application(OURS, "OutOfSync", manual=True)),),
        "blocked",
        "sync-overdue",
        "auto-sync is off",
        by=140,
    ),
    Scenario(
        "auto-sync is turned off by `enabled: false`",
        (Frame(0, application(automated={"enabled": False})),),
        "config",
        "nothing-will-sync",
        inputs={"sync": "never"},
    ),
    Scenario(
        "the sync status is unknown for a while",
        (OLD, Frame(4, application(OURS, "Unknown")), end(20)),
    ),
    Scenario(
        "a sync that failed before we came is repeated on request",
        (Frame(0, application(OURS, "OutOfSync", manual=True, done=operation("Failed"))),),
        inputs={"sync": "if-needed"},
        after_sync=(end(5, manual=True),),
    ),
)

HEALTH = (
    Scenario(
        "progressing, then healthy",
        (OLD, Frame(4, PROGRESSING), end(50)),
        not_before=50,
    ),
    Scenario(
        "health is not known for a while",
        (OLD, Frame(4, application(OURS, health="Unknown", done=operation())), end(50)),
    ),
    Scenario(
        "health stays unknown",
        (OLD, Frame(4, application(OURS, health="Unknown", done=operation()))),
        "unhealthy",
        "unknown",
        not_before=60,
        by=80,
    ),
    Scenario(
        "objects are missing before the first sync",
        (
            Frame(0, application(OURS, "OutOfSync", "Missing"), pods=()),
            Frame(30, RUNNING),
            end(40),
        ),
    ),
    Scenario(
        "objects stay missing after the sync",
        (OLD, Frame(4, application(OURS, health="Missing", done=operation()))),
        "unhealthy",
        "missing",
        not_before=60,
        by=80,
    ),
    Scenario(
        "the Deployment gives up",
        (OLD, Frame(4, degraded('Deployment "web" exceeded its progress deadline'))),
        "unhealthy",
        "progress-deadline-exceeded",
        "progress deadline",
        by=20,
    ),
    Scenario(
        "the Deployment gave up on the change before ours",
        (
            Frame(
                0,
                application(
                    OLDER,
                    health="Degraded",
                    done=operation(revision=OLDER),
                    resources=(
                        resource(
                            health="Degraded",
                            message='Deployment "web" exceeded its progress deadline',
                        ),
                    ),
                ),
                desired=(OLD_IMAGE,),
            ),
            Frame(10, RUNNING),
            end(16),
        ),
    ),
    Scenario(
        "another Deployment had given up before our change and recovers",
        (
            Frame(0, application(OLDER, health="Degraded", resources=(GAVE_UP,)), desired=()),
            Frame(10, application(OURS, health="Degraded", done=operation(), resources=(GAVE_UP,))),
            end(60),
        ),
        not_before=60,
    ),
    Scenario(
        "a Deployment that had given up before our change recovers and gives up again",
        (
            Frame(0, application(OLDER, health="Degraded", resources=(GAVE_UP,)), desired=()),
            Frame(10, PROGRESSING),
            Frame(20, application(OURS, health="Degraded", done=operation(), resources=(GAVE_UP,))),
        ),
        "unhealthy",
        "progress-deadline-exceeded",
        by=30,
    ),
    Scenario(
        "degraded for a moment",
        (OLD, Frame(4, degraded("probe failed")), end(60)),
    ),
    Scenario(
        "degraded for too long",
        (OLD, Frame(4, degraded("probe failed"))),
        "unhealthy",
        "degraded",
        "probe failed",
        not_before=90,
        by=110,
    ),
    Scenario(
        "degraded with a grace of our own",
        (OLD, Frame(4, degraded("probe failed"))),
        "unhealthy",
        "degraded",
        by=30,
        inputs={"degraded-grace": "15"},
    ),
    Scenario(
        "degraded since before our change",
        (
            Frame(
                0,
                application(OLDER, health="Degraded", done=operation(revision=OLDER)),
                desired=(OLD_IMAGE,),
            ),
            Frame(80, degraded()),
            end(140),
        ),
        not_before=140,
    ),
    Scenario(
        "an image that cannot be pulled",
        (OLD, Frame(4, PROGRESSING, pods=(pod(reason="ImagePullBackOff"),))),
        "unhealthy",
        "image-cannot-be-pulled",
        not_before=60,
        by=90,
    ),
    Scenario(
        "an image that is pulled at last",
        (OLD, Frame(4, PROGRESSING, pods=(pod(reason="ErrImagePull"),)), end(50)),
    ),
    Scenario(
        "an image that is pulled just before its grace ends",
        (
            OLD,
            Frame(4, PROGRESSING, pods=(pod(reason="ErrImagePull"),)),
            Frame(61, PROGRESSING),
            end(100),
        ),
        not_before=100,
    ),
    Scenario(
        "an init container's image that cannot be pulled",
        (OLD, Frame(4, PROGRESSING, pods=(pod(reason="Init:ImagePullBackOff"),))),
        "unhealthy",
        "image-cannot-be-pulled",
        by=90,
    ),
    Scenario(
        "a container whose configuration is missing",
        (OLD, Frame(4, PROGRESSING, pods=(pod(reason="CreateContainerConfigError"),))),
        "unhealthy",
        "image-cannot-be-pulled",
        by=90,
    ),
    Scenario(
        "an image that cannot be pulled while the sync still waits for it",
        (OLD, Frame(4, RUNNING, pods=(pod(reason="ImagePullBackOff"),))),
        "unhealthy",
        "image-cannot-be-pulled",
        by=100,
    ),
    Scenario(
        "an image of the old pods that cannot be pulled",
        (
            OLD,
            Frame(
                4,
                PROGRESSING,
                pods=(pod(), pod(OLD_IMAGE, "ImagePullBackOff", name="old", revision=1)),
            ),
            end(120),
        ),
    ),
    Scenario(
        "failing early is turned off",
        (OLD, Frame(4, PROGRESSING, pods=(pod(reason="ImagePullBackOff"),))),
        "timeout",
        "deadline",
        inputs={"fail-fast": "false", "timeout": "150"},
    ),
    Scenario(
        "new pods crash again and again",
        (OLD, Frame(4, PROGRESSING, pods=(pod(reason="CrashLoopBackOff", restarts=3),))),
        "unhealthy",
        "crash-loop",
        "3 restarts",
        by=30,
    ),
    Scenario(
        "new pods crash twice and then run",
        (
            OLD,
            Frame(4, PROGRESSING, pods=(pod(reason="CrashLoopBackOff", restarts=2),)),
            end(40),
        ),
    ),
    Scenario(
        "no node takes the new pods",
        (
            OLD,
            Frame(
                4,
                PROGRESSING,
                pods=(pod(reason="Pending", message="0/3 nodes are available: no memory"),),
            ),
        ),
        "unhealthy",
        "unschedulable",
        "0/3 nodes",
        not_before=120,
        by=150,
    ),
    Scenario(
        "a paused rollout is accepted",
        (OLD, Frame(4, application(OURS, health="Suspended", done=operation()))),
        inputs={"accept-suspended": "true"},
    ),
    Scenario(
        "a paused rollout is waited for",
        (
            OLD,
            Frame(
                4,
                application(
                    OURS,
                    health="Suspended",
                    done=operation(),
                    resources=(resource("Rollout", "web", health="Suspended"),),
                ),
            ),
        ),
        "timeout",
        "deadline",
        "Rollout web waits to be resumed",
        inputs={"timeout": "100"},
    ),
)

VERIFY_AND_SETTLE = (
    Scenario(
        "a poisoned manifest cache that a hard refresh heals",
        (OLD, Frame(4, live(), desired=(OLD_IMAGE,), pods=(pod(OLD_IMAGE, revision=1),))),
        after_hard_refresh=(Frame(0, OUT_OF_SYNC), Frame(4, RUNNING), end(8)),
    ),
    Scenario(
        "a poisoned manifest cache",
        (OLD, Frame(4, live(), desired=(OLD_IMAGE,), pods=(pod(OLD_IMAGE, revision=1),))),
        "manifest-error",
        "stale-manifest-cache",
        by=30,
    ),
    Scenario(
        "the changed key is one that no template reads",
        (OLD, Frame(4, live(), desired=("ghcr.io/xiilab/other:1",), pods=())),
        "manifest-error",
        "image-not-in-manifests",
        "no such image",
        by=30,
    ),
    Scenario(
        "a commit that changes nothing here",
        (
            Frame(0, application(OLDER, done=operation(revision=OLDER))),
            Frame(4, application(OURS, done=operation(revision=OLDER))),
        ),
        "no-change",
        "no-change",
    ),
    Scenario(
        "a newer commit with a newer tag",
        (OLD, Frame(4, live(NEWER), desired=(NEW_IMAGE,), pods=(pod(NEW_IMAGE),))),
        "superseded",
        "superseded",
        "web-stage-33333333",
    ),
    Scenario(
        "superseded after ours was seen",
        (OLD, Frame(4, RUNNING), Frame(10, live(NEWER), desired=(NEW_IMAGE,))),
        "superseded",
        "superseded",
    ),
    Scenario(
        "one of two images is superseded",
        (
            OLD,
            Frame(
                4,
                live(NEWER),
                desired=(NEW_IMAGE, "ghcr.io/xiilab/batch:batch-stage-22222222"),
                pods=(pod(NEW_IMAGE), pod("ghcr.io/xiilab/batch:batch-stage-22222222", name="b")),
            ),
        ),
        "superseded",
        "partly-superseded",
        "web-stage-33333333",
        inputs={"images": f"{IMAGE},ghcr.io/xiilab/batch:batch-stage-22222222"},
    ),
    Scenario(
        "old pods are still there",
        (
            OLD,
            Frame(4, live(), pods=(pod(), pod(OLD_IMAGE, name="old", revision=1))),
            end(40),
        ),
        not_before=40,
    ),
    Scenario(
        "old pods that are being taken down do not count",
        (
            OLD,
            Frame(4, live(), pods=(pod(), pod(OLD_IMAGE, "Terminating", name="old", revision=1))),
        ),
        by=20,
    ),
    Scenario(
        "components that share a repository are told apart",
        (
            OLD,
            Frame(
                4,
                live(),
                desired=("r.io/backend:core-stage-22222222", "r.io/backend:batch-stage-11111111"),
                pods=(
                    pod("r.io/backend:core-stage-22222222", name="core"),
                    pod("r.io/backend:batch-stage-11111111", name="batch"),
                ),
            ),
        ),
        inputs={"images": "r.io/backend:core-stage-22222222"},
        by=20,
    ),
    Scenario(
        "nothing runs because it is scaled to zero",
        (OLD, Frame(4, live(), pods=())),
        says="No pod runs",
    ),
    Scenario(
        "a new operation begins while all is settling",
        (OLD, end(4), Frame(8, RUNNING), end(20)),
        not_before=25,
        inputs={"settle": "10"},
    ),
    Scenario(
        "unhealthy again while settling",
        (OLD, end(4), Frame(8, PROGRESSING), end(20)),
        not_before=30,
        inputs={"settle": "10"},
    ),
    Scenario("no settling is asked for", (end(0),), inputs={"settle": "0"}, by=1),
    Scenario("no images are given", (OLD, end(10)), inputs={"images": ""}),
)

CONVERSATION = (
    Scenario(
        "the server asks for patience",
        (OLD, Frame(4, trouble="429"), end(20)),
    ),
    Scenario(
        "server errors for two minutes",
        (OLD, Frame(4, trouble="503"), end(124)),
        not_before=124,
    ),
    Scenario(
        "connections are cut for a minute",
        (OLD, Frame(4, trouble="reset"), end(64)),
    ),
    Scenario(
        "a maintenance page for a minute",
        (OLD, Frame(4, trouble="page"), end(64)),
    ),
    Scenario(
        "no answer for more than five minutes",
        (OLD, Frame(4, trouble="503")),
        "unreachable",
        "unreachable",
        "the outcome is unknown",
        not_before=300,
        by=360,
    ),
    Scenario(
        "no answer when the time is up",
        (OLD, Frame(4, trouble="503")),
        "unreachable",
        "unreachable",
        "the outcome is unknown",
        inputs={"timeout": "120"},
        by=125,
    ),
    Scenario(
        "the token ends in mid-wait",
        (OLD, Frame(10, trouble="401")),
        "auth",
        "session-ended",
        "the outcome is unknown",
        by=20,
    ),
    Scenario(
        "the application vanishes",
        (OLD, Frame(10, trouble="403")),
        "not-found",
        "application-gone",
        by=40,
    ),
    Scenario(
        "the application is hidden for one look",
        (OLD, Frame(10, trouble="403"), end(12)),
    ),
    Scenario(
        "the application is deleted in mid-wait",
        (OLD, Frame(10, application(OURS, metadata={"deletionTimestamp": moment(10)}))),
        "not-found",
        "deletion-under-way",
        by=20,
    ),
    Scenario(
        "time is up while it rolls out",
        (OLD, Frame(4, PROGRESSING)),
        "timeout",
        "deadline",
        "1 of 2 updated",
        inputs={"timeout": "90"},
        by=92,
    ),
)

SCENARIOS = (
    *PREFLIGHT,
    *REFRESH_AND_COMMIT,
    *SYNC,
    *HEALTH,
    *VERIFY_AND_SETTLE,
    *CONVERSATION,
)
