"""pipeline-metrics: what GitHub can tell beside the stages, read as far as the token allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from astrago_actions.clients.github import Connection, connect
from astrago_actions.clients.workflow_history import (
    BumpListing,
    first_conclusions,
    list_bumps,
    list_runs,
    read_jobs,
    read_run,
    source_commit_times,
)
from astrago_actions.context import Context
from astrago_actions.domain.budgets import Targets
from astrago_actions.domain.dora import Bump, ServiceFigures, bumps_of, figures
from astrago_actions.domain.durations import spoken
from astrago_actions.domain.pipeline_report import History
from astrago_actions.domain.run_history import (
    PipelineRun,
    RunListing,
    stages_of_jobs,
    typical_duration,
    with_first_conclusions,
)
from astrago_actions.domain.stages import Stage
from astrago_actions.domain.success_rates import success_rates
from astrago_actions.errors import AccessDenied, ActionError, NotFound, Unreachable
from astrago_actions.inputs import Secret

Found = TypeVar("Found")


@dataclass(frozen=True)
class Sources:
    """Where to look: repositories, branches, and the tokens to read them with."""

    repository: str
    token: Secret | None
    workflow: str
    branch: str
    deployment_repository: str
    deployment_branch: str
    deployment_token: Secret | None
    environment: str
    window: float


@dataclass
class LeftOut:
    """What the report lacks, each with its reason; nothing of it fails the step.

    `unasked` lacks an input, `failures` could not be read.
    """

    unasked: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unreachable: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything, what failed first."""
        return (*self.failures, *self.unasked)

    def attempt(self, what: str, permission: str, read: Callable[[], Found]) -> Found | None:
        """What `read` returns, or None and a note of what is left out and why.

        Once GitHub could not be reached it is not asked again: each time would take minutes.
        """
        if self.unreachable:
            self.failures.append(f"{what} left out: GitHub is not reachable.")
            return None
        try:
            return read()
        except AccessDenied:
            self.failures.append(f"{what} left out: the token lacks {permission}.")
        except NotFound as error:
            self.failures.append(
                f"{what} left out: not found, or not visible to a token without {permission} "
                f"({error.title})."
            )
        except ActionError as error:
            self.unreachable = isinstance(error, Unreachable)
            self.failures.append(f"{what} left out: {error.title}. {error.detail}")
        return None


class PipelineHistory:
    """The history of one pipeline, read bit by bit; what fails is noted in `left_out`."""

    def __init__(self, sources: Sources, context: Context) -> None:
        self._sources = sources
        self._context = context
        self._now = context.clock.now()
        self.left_out = LeftOut()
        token = sources.token
        self._connection = connect(token, context.run.api_url) if token else None
        self.own_run = self._own_run()

    def stages_from_jobs(self) -> tuple[Stage, ...]:
        """This run's jobs or steps as stages; none where they cannot be read."""
        connection, run_id = self._connection, self._context.run.run_id
        if connection is None or not run_id:
            return ()
        jobs = self.left_out.attempt(
            "This run's jobs",
            "`actions: read`",
            lambda: read_jobs(connection, self._context.run.repository, run_id),
        )
        return stages_of_jobs(jobs or (), self._now)

    def read(self, targets: Targets, *, rollout_checked: bool) -> History:
        """The success rates and DORA figures of the window."""
        since = self._now - self._sources.window
        if self._connection is None:
            self.left_out.unasked.append(
                "Success rates and DORA figures left out: no `token` was given."
            )
            return History(since, self._now)
        listing = self._runs(self._connection, since)
        bumps = self._bumps(since)
        ours = bumps_of(
            bumps.bumps if bumps else (), self._sources.repository, self._sources.environment
        )
        runs = listing or RunListing((), 0)
        services = self._services(bumps, ours, runs.runs, rollout_checked=rollout_checked)
        rates = success_rates(
            runs,
            targets,
            bumped_runs=frozenset(bump.run_id for bump in ours) if bumps else None,
            rollout_checked=rollout_checked,
            window=(since, self._now),
        )
        return History(
            since,
            self._now,
            extent=self._extent(runs),
            rates=rates if listing else (),
            typical=typical_duration(runs.runs),
            services=services,
        )

    def _own_run(self) -> PipelineRun | None:
        run = self._context.run
        connection = self._connection
        if connection is None or not (run.repository and run.run_id):
            return None
        return self.left_out.attempt(
            "The start of this run",
            "`actions: read`",
            lambda: read_run(connection, run.repository, run.run_id),
        )

    def _runs(self, connection: Connection, since: float) -> RunListing | None:
        sources = self._sources
        workflow = sources.workflow or (self.own_run.workflow_id if self.own_run else 0)
        if not workflow and self._context.run.run_id:
            self.left_out.unasked.append(
                "Success rates left out: which workflow this is could not be read; name it in "
                "`workflow`."
            )
            return None
        listing = self.left_out.attempt(
            "Success rates",
            "`actions: read`",
            lambda: list_runs(connection, sources.repository, workflow, sources.branch, since),
        )
        if listing is None or all(run.attempt == 1 for run in listing.runs):
            return listing
        first = self.left_out.attempt(
            "First tries of runs that ran again",
            "`actions: read`",
            lambda: first_conclusions(connection, sources.repository, listing.runs),
        )
        return with_first_conclusions(listing, first or {})

    def _bumps(self, since: float) -> BumpListing | None:
        sources = self._sources
        if not sources.deployment_repository:
            self.left_out.unasked.append(
                "Deploy success and DORA figures left out: which runs deployed is known from the "
                "`deployment-repository` only."
            )
            return None
        connection = connect(sources.deployment_token, self._context.run.api_url)
        return self.left_out.attempt(
            "Deploy success and DORA figures",
            f"`contents: read` on {sources.deployment_repository} (set `deployment-token`)",
            lambda: list_bumps(
                connection, sources.deployment_repository, sources.deployment_branch, since
            ),
        )

    def _services(
        self,
        listing: BumpListing | None,
        bumps: Sequence[Bump],
        runs: Sequence[PipelineRun],
        *,
        rollout_checked: bool,
    ) -> tuple[ServiceFigures, ...]:
        if listing is None or not bumps:
            return ()
        connection, repository = self._connection, self._sources.repository
        newest = next((bump.commit for bump in reversed(bumps) if bump.commit), "")
        times = None
        if connection is not None and newest:
            times = self.left_out.attempt(
                "Change lead time",
                f"`contents: read` on {repository}",
                lambda: source_commit_times(connection, repository, newest),
            )
        window = (listing.since, self._now)
        return figures(bumps, runs, times or {}, window, rollout_checked=rollout_checked)

    def _extent(self, runs: RunListing) -> str:
        """The window in words, with how many runs there were."""
        branch = f" on {self._sources.branch}" if self._sources.branch else ""
        if runs.cut:
            newest = min((run.created_at for run in runs.runs), default=self._now)
            return (
                f"the newest {len(runs.runs)} of {runs.total} runs{branch} "
                f"({spoken(self._now - newest)})"
            )
        number = len(runs.runs)
        count = "1 run" if number == 1 else f"{number} runs"
        return f"{count}{branch} in {spoken(self._sources.window)}"
