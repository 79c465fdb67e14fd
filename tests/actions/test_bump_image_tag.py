"""bump-image-tag against a GitHub on loopback: one word changes, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astrago_actions.clients.github import connect
from astrago_actions.context import Context
from astrago_actions.domain.bump_commit import trailers
from astrago_actions.errors import AccessDenied, ActionError, InputErrors, NotFound
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.registry import Registry
from astrago_actions.sandbox.server import Fault, LoopbackServer
from tests.deployment_world import BRANCH, DEPLOYMENT, FILE, SOURCE, TOKEN, VALUES, World
from tests.recording_step import RecordingStep


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.server:
        yield world


def tags_of(world: World, sha: str) -> str:
    """The `tags` input of a build of the commit `sha`."""
    return json.dumps({"core": f"core-stage-{sha[:8]}"})


def test_only_the_tags_change_and_the_file_keeps_its_every_other_byte(world: World) -> None:
    world.bump()
    expected = VALUES.replace("stage-00000001", f"stage-{world.second[:8]}")
    assert world.values() == expected


def test_all_components_are_one_commit_and_its_sha_is_the_output(world: World) -> None:
    outputs = world.bump()
    assert world.commits() == 1
    assert outputs.commit_sha == world.github.head(DEPLOYMENT, BRANCH)
    assert outputs.changed
    assert outputs.previous == {"core": "core-stage-00000001", "batch": "batch-stage-00000001"}


def test_the_commit_tells_where_it_comes_from(world: World) -> None:
    outputs = world.bump()
    message = world.github.message(DEPLOYMENT, outputs.commit_sha)
    assert message.startswith(f"chore(stage): core, batch -> {world.second[:8]}\n\n")
    assert trailers(message)["Source-Commit"] == (world.second,)
    assert trailers(message)["Component"] == ("core", "batch")


def test_without_contention_it_takes_two_requests_to_the_deployment_repository(
    world: World,
) -> None:
    world.bump()
    sent = [each for each in world.server.exchanges if "/graphql" in each.request.path]
    assert len(sent) == 2


def test_values_that_are_in_place_make_no_commit_but_name_the_one_that_set_them(
    world: World,
) -> None:
    first = world.bump()
    again = world.bump()
    assert world.commits() == 1
    assert not again.changed
    assert again.commit_sha == first.commit_sha


def test_a_conflict_is_decided_anew_on_fresh_bytes(world: World) -> None:
    """Somebody changes another line between our read and our write: both changes stay."""
    changed = VALUES.replace("# 배포 값", "# 새 배포 값")
    world.before_our_commit(lambda: world.outside_commit(changed))
    outputs = world.bump()
    assert outputs.changed
    assert world.values() == changed.replace("stage-00000001", f"stage-{world.second[:8]}")
    assert world.commits() == 2


def test_a_file_that_vanished_meanwhile_is_not_made_again(world: World) -> None:
    world.before_our_commit(lambda: world.github.commit(DEPLOYMENT, BRANCH, {FILE: None}, "gone"))
    with pytest.raises(NotFound, match="is not in xiilab/astrago-deployment"):
        world.bump()
    assert world.commits() == 1


@pytest.mark.parametrize("kind", ["reset-after", "status-after"])
def test_an_applied_commit_whose_answer_is_lost_is_recognised_not_repeated(
    world: World, kind: str
) -> None:
    world.server.faults.add(Fault(kind=kind, contains="createCommitOnBranch"))
    outputs = world.bump()
    assert world.commits() == 1
    assert outputs.changed
    assert outputs.commit_sha == world.github.head(DEPLOYMENT, BRANCH)


def test_who_waits_for_the_next_try_is_not_told_to_run_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.server.faults.add(Fault(kind="reset-after", contains="createCommitOnBranch"))
    world.bump()
    told = capsys.readouterr().err
    assert "Trying again in" in told
    assert "Run the job again" not in told


@pytest.mark.parametrize("path", ["other.yaml", FILE])
@pytest.mark.parametrize("replica", ["up to date", "behind"])
def test_our_commit_is_recognised_below_any_number_of_others(
    world: World, replica: str, path: str
) -> None:
    """The answer is lost, and before we read again others have committed hundreds of times."""
    world.server.faults.add(Fault(kind="reset-after", contains="createCommitOnBranch"))
    if replica == "behind":
        unknown = '{"data": {"repository": {"object": null}}}'
        world.server.faults.add(
            Fault(kind="status", status=200, body=unknown, contains="object(oid")
        )
    others = [230]

    def others_commit() -> None:
        while others[0]:
            content = f"# {others[0]}\n{VALUES}".encode()
            world.github.commit(DEPLOYMENT, BRANCH, {path: content}, "other")
            others[0] -= 1

    world.clock.while_asleep = others_commit
    outputs = world.bump(if_older="apply")
    log = world.github.log(DEPLOYMENT, BRANCH)
    assert len(log) == 1 + 1 + 230
    assert outputs.commit_sha == log[230]


@pytest.mark.parametrize("kind", ["reset-before", "status"])
def test_a_commit_that_did_not_arrive_is_sent_again(world: World, kind: str) -> None:
    world.server.faults.add(Fault(kind=kind, contains="createCommitOnBranch"))
    assert world.bump().changed
    assert world.commits() == 1


def test_a_rate_limit_is_waited_for_at_least_as_long_as_it_says(world: World) -> None:
    world.server.faults.add(
        Fault(
            kind="status",
            contains="createCommitOnBranch",
            status=403,
            body='{"message": "You have exceeded a secondary rate limit."}',
            headers={"Retry-After": "17"},
        )
    )
    world.bump()
    assert len(world.clock.slept) == 1
    assert 17 <= world.clock.slept[0] <= 17 * 1.5


def test_writers_that_a_limit_refused_together_come_back_apart(world: World) -> None:
    limit = '{"message": "You have exceeded a secondary rate limit."}'
    waits = []
    for number in range(12):
        world.server.faults.add(
            Fault(kind="status", contains="createCommitOnBranch", status=403, body=limit)
        )
        world.clock.slept.clear()
        world.bump(tags=f'{{"core": "core-{number}"}}', if_older="apply")
        waits += world.clock.slept
    assert min(waits) >= 60
    assert max(waits) - min(waits) > 5


def test_a_limit_that_outlasts_the_deadline_says_when_it_ends(world: World) -> None:
    world.server.faults.add(
        Fault(
            kind="status",
            contains="createCommitOnBranch",
            status=403,
            body='{"message": "API rate limit exceeded for user ID 1."}',
            headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795172400"},
        )
    )
    with pytest.raises(ActionError, match="no success within the time allowed") as caught:
        world.bump(timeout="60")
    assert "11:00:00 UTC" in caught.value.remedy
    assert world.clock.slept == []


def test_rules_that_forbid_the_commit_are_not_tried_again(world: World) -> None:
    world.github.protect(DEPLOYMENT, BRANCH, "pull-request")
    with pytest.raises(ActionError, match="Could not commit the new tags"):
        world.bump()
    assert world.clock.slept == []


def test_an_older_build_changes_nothing_and_says_what_superseded_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.bump(tags=tags_of(world, world.second))
    newer = world.values()
    outputs = world.bump(sha=world.first, tags=tags_of(world, world.first))
    assert outputs.superseded
    assert not outputs.changed
    assert world.values() == newer
    assert f"core-stage-{world.second[:8]}" in capsys.readouterr().err


def test_an_older_build_fails_where_that_is_asked_for(world: World) -> None:
    world.bump(tags=tags_of(world, world.second))
    with pytest.raises(ActionError, match="A newer build is already"):
        world.bump(sha=world.first, tags=tags_of(world, world.first), if_older="fail")


def test_going_back_on_purpose_is_allowed(world: World) -> None:
    world.bump(tags=tags_of(world, world.second))
    outputs = world.bump(sha=world.first, tags=tags_of(world, world.first), if_older="apply")
    assert outputs.changed
    assert f"core-stage-{world.first[:8]}" in world.values()


def test_an_older_build_is_known_by_its_file_however_many_others_were_committed(
    world: World,
) -> None:
    world.bump(tags='{"core": "core-2.0"}')
    for number in range(30):
        world.github.commit(DEPLOYMENT, BRANCH, {"other.yaml": b"%d" % number}, "other")
    assert world.bump(sha=world.first, tags='{"core": "core-1.0"}').superseded


def test_an_older_build_is_known_by_the_sha_before_a_date_in_its_tag(world: World) -> None:
    world.outside_commit(VALUES.replace("core-stage-00000001", f"core-{world.second[:8]}-20251124"))
    tags = f'{{"core": "core-{world.first[:8]}-20251123"}}'
    assert world.bump(sha=world.first, tags=tags).superseded


def test_the_summary_lists_what_is_deployed_and_every_request(world: World) -> None:
    step = world.step = RecordingStep()
    world.bump(tags=tags_of(world, world.first), sha=world.first)
    world.github.commit(SOURCE, BRANCH, {"a": b"3"}, "feat: `new` <b>words</b>")
    third = world.github.commit(SOURCE, BRANCH, {"a": b"4"}, "fix: them\n\nbody")
    sent_before = len(world.server.exchanges)
    world.bump(sha=third, tags=tags_of(world, third))
    section = step.summaries[-1]
    assert f"3 commits]({world.server.url}/{SOURCE}/compare/" in section
    assert section.index("fix: them") < section.index("&lt;b&gt;words") < section.index("second")
    sent = len(world.server.exchanges) - sent_before
    assert f"(1 attempt, {sent} requests)" in section


def test_whatever_stands_in_the_file_stays_in_its_place_in_the_summary(world: World) -> None:
    """The old value holds a cell's end and a new line, and a comment the end of a code block."""
    step = world.step = RecordingStep()
    world.outside_commit('# ```\nastrago:\n  core:\n    imageTag: "a|`b`\\n\\n![x](y)"\n')
    world.bump(tags='{"core": "core-1"}', if_older="apply")
    (section,) = step.summaries
    (row,) = [line for line in section.splitlines() if line.startswith("| core")]
    assert row.endswith(" | <code>a&#124;&#96;b&#96; !&#91;x&#93;(y)</code> | `core-1` |")
    assert section.count("````") == 2


def test_the_requests_of_a_pull_request_are_all_counted(world: World) -> None:
    step = world.step = RecordingStep()
    world.bump(mode="pull-request", labels="deploy")
    assert f"{len(world.server.exchanges)} requests)" in step.summaries[-1]


def test_a_pull_request_takes_as_many_requests_as_the_readme_says(world: World) -> None:
    """Beside the first read and the comparisons: 11 to open one, 12 to update it."""
    third = world.github.commit(SOURCE, BRANCH, {"a": b"3"}, "third")
    sent: list[int] = []
    for sha in (world.second, third):
        before = len(world.server.exchanges)
        world.bump(sha=sha, mode="pull-request", tags=tags_of(world, sha))
        sent.append(len(world.server.exchanges) - before)
    assert sent == [1 + 1 + 11, 1 + 2 + 12]


def test_unknown_ancestry_is_said_and_applied(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.bump().changed
    assert "not known" in capsys.readouterr().err


def test_a_rollback_puts_back_what_the_last_bump_replaced(world: World) -> None:
    bumped = world.bump()
    outputs = world.bump(rollback="previous", components="core, batch", tags="")
    assert world.values() == VALUES
    message = world.github.message(DEPLOYMENT, outputs.commit_sha)
    assert trailers(message)["Rollback-Of"] == (bumped.commit_sha,)


def test_the_next_push_after_a_rollback_deploys_again(world: World) -> None:
    world.bump()
    world.bump(rollback="previous", components="core, batch", tags="")
    third = world.github.commit(SOURCE, BRANCH, {"a": b"3"}, "third")
    assert world.bump(sha=third, tags=tags_of(world, third)).changed


def test_a_dry_run_shows_the_change_and_makes_none(world: World) -> None:
    outputs = world.bump(dry_run="true")
    assert not outputs.changed
    assert f'+    imageTag: "core-stage-{world.second[:8]}"   # 코어' in outputs.diff
    assert world.values() == VALUES


@pytest.mark.parametrize(("dry_run", "stages"), [("true", []), ("false", ["bump"])])
def test_only_a_bump_that_is_meant_is_a_stage_of_a_deploy(
    world: World, dry_run: str, stages: list[str]
) -> None:
    context = Context(world.step, world.run_of(world.second), world.clock)
    world.bump_in(context, dry_run=dry_run)
    assert [each.name for each in context.stages] == stages


def test_a_wrong_key_names_the_nearest_and_changes_nothing(world: World) -> None:
    with pytest.raises(ActionError) as caught:
        world.bump(key="astrago.components.{component}.tag")
    assert "astrago.core.imageTag" in caught.value.detail
    assert world.values() == VALUES


def test_a_wrong_branch_names_the_nearest(world: World) -> None:
    with pytest.raises(NotFound) as caught:
        world.bump(branch="stabilise/1.0")
    assert "`stabilize/1.0`" in caught.value.detail


def test_a_branch_may_be_given_as_its_ref(world: World) -> None:
    assert world.bump(branch=f"refs/heads/{BRANCH}").changed
    assert world.commits() == 1


def test_a_wrong_file_is_named(world: World) -> None:
    with pytest.raises(NotFound, match=r"`values\.yml` is not in"):
        world.bump(file="values.yml")


def test_a_token_without_write_permission_is_told_which_one_it_lacks(world: World) -> None:
    world.github.add_token("github_pat_read_only", {DEPLOYMENT: {"contents": "read"}})
    with pytest.raises(AccessDenied) as caught:
        world.bump(token="github_pat_read_only")
    assert "contents: write" in caught.value.remedy


def test_a_file_of_more_than_half_a_megabyte_is_read_whole(world: World) -> None:
    long = VALUES + "\n" + "# 여백\n" * 60_000
    world.outside_commit(long)
    world.bump()
    assert world.values() == long.replace("stage-00000001", f"stage-{world.second[:8]}")


def proposed(world: World) -> str:
    """The values file as the newest pull request would have it."""
    head = world.github.pull_requests(DEPLOYMENT)[-1].head
    return world.github.read(DEPLOYMENT, head, FILE).decode()


def test_a_protected_branch_is_reached_by_pull_request(world: World) -> None:
    world.github.protect(DEPLOYMENT, BRANCH, "pull-request")
    outputs = world.bump(mode="commit-or-pull-request")
    assert "/pull/" in outputs.pull_request_url
    assert world.values() == VALUES
    assert proposed(world) == VALUES.replace("stage-00000001", f"stage-{world.second[:8]}")


def test_a_second_bump_updates_the_same_pull_request(world: World) -> None:
    first = world.bump(mode="pull-request")
    third = world.github.commit(SOURCE, BRANCH, {"a": b"3"}, "third")
    tags = json.dumps({"core": f"core-stage-{third[:8]}", "batch": f"batch-stage-{third[:8]}"})
    second = world.bump(sha=third, tags=tags, mode="pull-request")
    assert second.pull_request_url == first.pull_request_url
    assert f"core-stage-{third[:8]}" in proposed(world)


def test_every_mistake_is_named_at_once_and_nothing_is_sent(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        world.bump(repository="astrago", token="", tags='{"core": "-x"}', mode="push", key="")
    named = {mistake.input_name for mistake in caught.value.mistakes}
    assert named == {"repository", "token", "tags", "mode", "key"}
    assert world.server.exchanges == []


def test_updates_name_file_key_and_value_themselves(world: World) -> None:
    world.bump(tags="", updates=f"{FILE}:astrago.core.imageTag=core-stage-1a2b3c4d")
    assert world.values() == VALUES.replace("core-stage-00000001", "core-stage-1a2b3c4d")


def test_jobs_of_a_matrix_start_apart(world: World) -> None:
    world.bump(spread="10")
    assert len(world.clock.slept) == 1
    assert 0 <= world.clock.slept[0] <= 3


def test_many_writers_at_once_lose_nothing(world: World) -> None:
    keys = {f"service{number}": f"{number:08x}" for number in range(8)}
    world.outside_commit("".join(f"{name}:\n  tag: old\n" for name in keys))
    with ThreadPoolExecutor(len(keys)) as writers:
        for future in [
            writers.submit(
                world.bump, tags=json.dumps({name: f"v-{tag}"}), key="{component}.tag", spread="0"
            )
            for name, tag in keys.items()
        ]:
            assert future.result().changed
    assert world.values() == "".join(f"{name}:\n  tag: v-{tag}\n" for name, tag in keys.items())
    assert world.commits() == 1 + len(keys)


def test_a_tag_that_its_registry_does_not_have_is_refused(world: World) -> None:
    registry = Registry()
    registry.add_token("ghp_reader", {"xiilab/*": "read"})
    with LoopbackServer(registry) as server:
        image = f"{server.url.removeprefix('http://')}/xiilab/backend:core-stage-1a2b3c4d"
        with pytest.raises(ActionError, match="does not have the images"):
            world.bump(
                tags='{"core": "core-stage-1a2b3c4d"}',
                images=json.dumps({"core": image}),
                registry_token="ghp_reader",
            )
    assert world.values() == VALUES


def test_a_key_that_no_template_reads_is_warned_about(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    template = b"image: x:{{ .Values.astrago.core.imageTag }}"
    world.github.commit(DEPLOYMENT, BRANCH, {"chart/templates/app/core.yaml": template}, "chart")
    outputs = world.bump(templates="chart/templates")
    shown = capsys.readouterr().err
    assert outputs.changed
    assert "`astrago.batch.imageTag`: no template" in shown
    assert "`astrago.core.imageTag`: no template" not in shown


def test_looking_at_the_templates_costs_no_further_request(world: World) -> None:
    template = b"image: x:{{ .Values.astrago.core.imageTag }}"
    beside = FILE.replace("values.yaml", "templates/core.yaml")
    world.github.commit(DEPLOYMENT, BRANCH, {beside: template}, "chart")
    world.bump()
    sent = [each for each in world.server.exchanges if "/graphql" in each.request.path]
    assert len(sent) == 2


def test_a_rollback_does_not_take_back_a_fix_that_lands_meanwhile(world: World) -> None:
    world.bump(tags='{"core": "core-bad"}', if_older="apply")
    world.before_our_commit(lambda: world.bump(tags='{"core": "core-fix"}', if_older="apply"))
    outputs = world.bump(rollback="previous", components="core", tags="")
    assert "core-fix" in world.values()
    assert not outputs.changed


def test_an_older_build_does_not_win_because_the_comparison_failed_once(world: World) -> None:
    world.bump(tags=tags_of(world, world.second))
    world.server.faults.add(Fault(kind="status", path=".*/compare/.*", status=502, times=6))
    outputs = world.bump(sha=world.first, tags=tags_of(world, world.first))
    assert outputs.superseded


@pytest.mark.parametrize(
    "body",
    [
        *("", "null", '{"errors": null}', '{"data": {"createCommitOnBranch": null}}'),
        '{"data": {"createCommitOnBranch": {"commit": null}}}',
    ],
)
def test_an_answer_without_sense_after_an_applied_commit_is_looked_into(
    world: World, body: str
) -> None:
    world.server.faults.add(
        Fault(kind="status-after", status=200, body=body, contains="createCommitOnBranch")
    )
    assert world.bump().changed
    assert world.commits() == 1


def test_an_image_reference_is_recorded_as_it_stands_in_the_file(world: World) -> None:
    world.outside_commit("core:\n  image: ghcr.io/x/core:1.1\n")
    first = world.bump(key="{component}.image", tags='{"core": "1.2"}', if_older="apply")
    world.bump(key="{component}.image", components="core", rollback=first.commit_sha, tags="")
    assert world.values() == "core:\n  image: ghcr.io/x/core:1.1\n"


def test_a_newer_build_that_waits_in_the_pull_request_is_not_replaced(world: World) -> None:
    world.bump(mode="pull-request", tags=tags_of(world, world.second))
    outputs = world.bump(sha=world.first, mode="pull-request", tags=tags_of(world, world.first))
    assert outputs.superseded
    assert f"core-stage-{world.second[:8]}" in proposed(world)


def test_the_same_bump_again_leaves_its_pull_request_as_it_is(world: World) -> None:
    first = world.bump(mode="pull-request")
    head = world.github.pull_requests(DEPLOYMENT)[-1].head
    before = world.github.resolve(DEPLOYMENT, head)
    again = world.bump(mode="pull-request")
    assert again.pull_request_url == first.pull_request_url
    assert world.github.resolve(DEPLOYMENT, head) == before


def close_pull_request(world: World) -> None:
    """Somebody closes the newest pull request; its branch stays."""
    api = connect(Secret(TOKEN), f"{world.server.url}/api/v3")
    number = world.github.pull_requests(DEPLOYMENT)[-1].number
    api.send("PATCH", f"/repos/{DEPLOYMENT}/pulls/{number}", {"state": "closed"})


def test_a_newer_build_in_a_closed_pull_request_keeps_nobody_out(world: World) -> None:
    world.bump(mode="pull-request", tags=tags_of(world, world.second))
    close_pull_request(world)
    outputs = world.bump(sha=world.first, mode="pull-request", tags=tags_of(world, world.first))
    assert outputs.changed
    assert f"core-stage-{world.first[:8]}" in proposed(world)


def test_values_that_were_merged_and_set_back_by_hand_are_proposed_again(world: World) -> None:
    """The merged pull request's branch is still there, and has nothing that the base has not."""
    first = world.bump(mode="pull-request")
    api = connect(Secret(TOKEN), f"{world.server.url}/api/v3")
    number = world.github.pull_requests(DEPLOYMENT)[-1].number
    api.send("PUT", f"/repos/{DEPLOYMENT}/pulls/{number}/merge", {"merge_method": "merge"})
    world.outside_commit(VALUES)
    second = world.bump(mode="pull-request")
    assert second.changed
    assert second.pull_request_url != first.pull_request_url


@pytest.mark.parametrize("how", [{"mode": "pull-request"}, {"dry_run": "true"}])
def test_a_read_that_fails_once_is_repeated_whatever_is_to_be_done_with_it(
    world: World, how: dict[str, str]
) -> None:
    world.server.faults.add(Fault(kind="status", status=502, contains="query("))
    assert world.bump(**how).diff


def test_bumps_of_other_keys_have_pull_requests_of_their_own(world: World) -> None:
    world.github.commit(DEPLOYMENT, BRANCH, {"busan.yaml": VALUES.encode()}, "busan")
    first = world.bump(mode="pull-request")
    second = world.bump(mode="pull-request", file="busan.yaml")
    assert second.pull_request_url != first.pull_request_url


def test_a_fleet_is_spread_over_as_long_as_github_takes_its_commits(world: World) -> None:
    """60 a minute leave room for conflicts below GitHub's 80, so 120 jobs take two minutes."""
    longest = 0.0
    for _ in range(20):
        world.clock.slept.clear()
        world.bump(spread="120")
        longest = max(longest, *world.clock.slept)
    assert 48 < longest <= 120


def test_it_keeps_trying_until_the_time_allowed_is_over(world: World) -> None:
    world.server.faults.add(Fault(kind="reset-before", path=".*graphql", times=None))
    began = world.clock.monotonic()
    with pytest.raises(ActionError, match="no success within the time allowed"):
        world.bump(timeout="100")
    assert world.clock.monotonic() - began == pytest.approx(100)


def test_a_checkout_is_edited_without_any_api(world: World, tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(VALUES.encode())

    outputs = world.bump(
        path=str(tmp_path), tags="", updates=f"{FILE}:astrago.core.imageTag=core-stage-1a2b3c4d"
    )

    expected = VALUES.replace("core-stage-00000001", "core-stage-1a2b3c4d")
    assert file.read_bytes() == expected.encode()
    assert outputs.previous == {"astrago.core.imageTag": "core-stage-00000001"}
    assert world.server.exchanges == []


def test_a_checkout_that_is_not_there_is_named_as_the_mistake(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match="1 input is wrong") as caught:
        world.bump(path=str(tmp_path / "gone"), tags="", updates=f"{FILE}:a=b")

    assert [each.input_name for each in caught.value.mistakes] == ["path"]


def test_a_wrong_key_leaves_every_file_of_a_checkout_as_it_was(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_bytes(b"core: {tag: x}\n")
    (tmp_path / "b.yaml").write_bytes(b"batch: {tag: x}\n")

    with pytest.raises(ActionError, match="was not changed"):
        world.bump(path=str(tmp_path), tags="", updates="a.yaml:core.tag=y\nb.yaml:core.tag=y")

    assert (tmp_path / "a.yaml").read_bytes() == b"core: {tag: x}\n"


def put_in_place_of_the_file(world: World, **entry: str) -> None:
    """Commit another kind of entry, as git's trees have it."""
    api = connect(Secret(TOKEN), f"{world.server.url}/api/v3")
    git = f"/repos/{DEPLOYMENT}/git"
    whole = {"base_tree": world.start, "tree": [{"path": FILE, **entry}]}
    tree = api.send("POST", f"{git}/trees", whole)["sha"]
    commit = {"message": "mode", "tree": tree, "parents": [world.start]}
    made = api.send("POST", f"{git}/commits", commit)["sha"]
    api.send("PATCH", f"{git}/refs/heads/{BRANCH}", {"sha": made})


def test_a_file_that_loses_its_executable_mode_is_named(world: World) -> None:
    step = world.step = RecordingStep()
    put_in_place_of_the_file(world, mode="100755", type="blob", content=VALUES)

    assert world.bump().changed

    assert f"`{FILE}` had the mode 100755" in "".join(step.notices)


@pytest.mark.parametrize(
    "entry",
    [
        {"mode": "120000", "type": "blob", "content": "other.yaml"},
        {"mode": "160000", "type": "commit", "sha": 40 * "1"},
    ],
    ids=["symbolic link", "submodule"],
)
def test_what_is_no_file_is_refused(world: World, entry: dict[str, str]) -> None:
    put_in_place_of_the_file(world, **entry)

    with pytest.raises(ActionError, match="is not a regular file"):
        world.bump()


def test_a_folder_is_no_file(world: World) -> None:
    with pytest.raises(ActionError, match="is not a regular file"):
        world.bump(file=FILE.rpartition("/")[0])


def test_a_replica_that_still_shows_the_refused_head_is_waited_for(world: World) -> None:
    old = world.github.head(DEPLOYMENT, BRANCH)
    changed = VALUES.replace("# 배포 값", "# 새 배포 값")

    def somebody_commits_and_a_replica_falls_behind() -> None:
        world.outside_commit(changed)
        world.github.lag(DEPLOYMENT, BRANCH, old, reads=2)

    world.before_our_commit(somebody_commits_and_a_replica_falls_behind)
    assert world.bump().changed
    assert len(world.clock.slept) == 3
    assert world.values() == changed.replace("stage-00000001", f"stage-{world.second[:8]}")
    assert world.commits() == 2


@pytest.mark.parametrize("mode", ["commit", "pull-request"])
def test_a_head_that_is_refused_though_the_branch_has_it_is_tried_again(
    world: World, mode: str
) -> None:
    """Nobody else commits, so no other head ever comes."""
    error = {
        "type": "STALE_DATA",
        "message": 'Expected branch to point to "…" but it did not.  Pull and try again.',
    }
    body = json.dumps({"data": {"createCommitOnBranch": None}, "errors": [error]})
    world.server.faults.add(
        Fault(kind="status", status=200, body=body, contains="createCommitOnBranch")
    )
    outputs = world.bump(mode=mode)
    assert outputs.changed
    assert len(world.clock.slept) == 2


def test_a_replica_that_does_not_show_our_commit_makes_no_second_one(world: World) -> None:
    old = world.github.head(DEPLOYMENT, BRANCH)
    world.server.faults.add(Fault(kind="reset-after", contains="createCommitOnBranch"))
    world.before_our_commit(lambda: world.github.lag(DEPLOYMENT, BRANCH, old, reads=2))
    outputs = world.bump()
    assert world.commits() == 1
    assert outputs.changed
    assert outputs.commit_sha == world.github.head(DEPLOYMENT, BRANCH)


def test_a_bump_that_landed_is_reported_though_its_file_is_taken_away_after_it(
    world: World,
) -> None:
    """The answer is lost, and before we look again the file is gone: our commit is still there."""
    world.server.faults.add(Fault(kind="reset-after", contains="createCommitOnBranch"))
    landed: list[str] = []

    def somebody_removes_the_file(full_name: str, branch: str, sha: str) -> None:
        if (full_name, branch) == (DEPLOYMENT, BRANCH) and not landed:
            landed.append(sha)
            world.github.commit(DEPLOYMENT, BRANCH, {FILE: None}, "gone")

    world.github.subscribe(somebody_removes_the_file)
    outputs = world.bump()
    assert outputs.changed
    assert outputs.commit_sha == landed[0]


def test_a_rollback_puts_a_tag_back_though_the_same_key_was_set_since_in_another_file(
    world: World,
) -> None:
    busan = FILE.replace("xiilab", "busan")
    world.github.commit(DEPLOYMENT, BRANCH, {busan: VALUES.encode()}, "busan")
    world.bump(file=f"{FILE},{busan}")
    since = world.values().replace(f"core-stage-{world.second[:8]}", "core-by-hand")
    world.outside_commit(since)
    world.bump(file=f"{FILE},{busan}", rollback="previous", components="core, batch", tags="")
    assert world.github.read(DEPLOYMENT, BRANCH, busan).decode() == VALUES
    assert world.values() == VALUES.replace("core-stage-00000001", "core-by-hand")


def with_another_tag_by_hand(world: World) -> str:
    """Somebody sets another tag than the one that we want; returns the head before."""
    before = world.github.head(DEPLOYMENT, BRANCH)
    world.outside_commit(VALUES.replace("core-stage-00000001", "core-by-hand"))
    return before


def test_a_replica_that_is_older_than_what_we_read_does_not_hide_our_commit(world: World) -> None:
    old = with_another_tag_by_hand(world)
    world.server.faults.add(Fault(kind="reset-after", contains="createCommitOnBranch"))
    world.before_our_commit(lambda: world.github.lag(DEPLOYMENT, BRANCH, old))
    outputs = world.bump(tags='{"core": "core-stage-00000001"}', if_older="apply")
    assert world.commits() == 2
    assert outputs.changed


def test_a_replica_that_is_older_than_what_we_read_does_not_swallow_the_bump(world: World) -> None:
    old = with_another_tag_by_hand(world)

    def somebody_commits_and_a_replica_falls_behind() -> None:
        world.outside_commit(world.values().replace("# 배포 값", "# 새 배포 값"))
        world.github.lag(DEPLOYMENT, BRANCH, old)

    world.before_our_commit(somebody_commits_and_a_replica_falls_behind)
    outputs = world.bump(tags='{"core": "core-stage-00000001"}', if_older="apply")
    assert outputs.changed
    assert world.values() == VALUES.replace("# 배포 값", "# 새 배포 값")
