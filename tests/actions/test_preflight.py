"""preflight against the sandbox: every answer that it can give, and that asking changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from astrago_actions.errors import InputErrors
from astrago_actions.sandbox.argocd.access import Policy
from astrago_actions.sandbox.github.errors import not_permitted
from astrago_actions.sandbox.server import Fault
from astrago_actions.sandbox.world import APPLICATION, BACKEND, BRANCH, DEPLOYMENT, VALUES_FILE
from tests.preflight_world import IMAGE, PreflightWorld, preflights

__all__ = ["preflights"]

GET = Policy("applications", "get", "*")
DAY = 86400
PAGE = {"Content-Type": "text/html"}
ALL_OK = {
    "registry, token",
    "registry, sign-in",
    f"registry, push {IMAGE}",
    "deployment, token",
    "deployment, rate limit",
    "deployment, repository",
    "deployment, branch",
    "deployment, write",
    "deployment, branch rules",
    "deployment, keys in values.yaml",
    "source, compare commits",
    "source, read runs",
    "argo cd, server",
    "argo cd, token",
    "argo cd, application",
    "argo cd, sync",
    "argo cd, logs",
}


def test_everything_that_a_deploy_needs_is_there(preflights: PreflightWorld) -> None:
    rows = preflights.preflight()

    assert {name for name, row in rows.items() if row["status"] == "ok"} == ALL_OK == set(rows)
    assert preflights.error is None
    assert preflights.step.lines[-1] == "Ready: 17 checks."
    assert preflights.step.warnings == []


def test_asking_changes_nothing(preflights: PreflightWorld) -> None:
    world, before = preflights.world, preflights.state()
    world.github.protect(DEPLOYMENT, BRANCH, "ruleset")
    give(preflights, contents="write", pull_requests="write")

    preflights.preflight(mode="commit-or-pull-request")
    preflights.preflight(deployment_token="github_pat_wrong", registry_token="ghp_wrong")

    assert preflights.state() == before
    sent = [each.request for each in world.registry_server.exchanges]
    begun = sum(each.method == "POST" for each in sent)
    assert begun == sum(each.method == "DELETE" for each in sent) == 1
    assert not any(each.method in {"PUT", "PATCH"} for each in sent)
    assert {each.request.method for each in world.argocd_server.exchanges} == {"GET"}


def give(preflights: PreflightWorld, *, kind: str = "fine-grained", **permissions: str) -> None:
    """Let the deployment token have these permissions and no others."""
    github, token = preflights.world.github, preflights.world.tokens.deploy
    github.add_token(token, {DEPLOYMENT: permissions}, kind=kind)  # type: ignore[dict-item,arg-type]


def expire(preflights: PreflightWorld, days: float) -> None:
    token = preflights.world.tokens.deploy
    at = time.time() + days * DAY
    preflights.world.github.add_token(token, {DEPLOYMENT: {"contents": "write"}}, expires_at=at)


def argocd_token(preflights: PreflightWorld, *policies: Policy) -> None:
    """Let Argo CD's token have these rights and no others."""
    preflights.world.argocd.add_token(preflights.world.tokens.argocd, policies)


def demand_sso(preflights: PreflightWorld) -> None:
    token = preflights.world.tokens.deploy
    permissions = {DEPLOYMENT: {"contents": "write"}}
    preflights.world.github.add_token(token, permissions, sso_required=True)  # type: ignore[arg-type]


def application(preflights: PreflightWorld, **spec: object) -> None:
    """Change the application's spec."""
    preflights.world.argocd.application(APPLICATION).spec.update(spec)


def source(preflights: PreflightWorld, **changes: str) -> None:
    """Change what the application follows."""
    before = preflights.world.argocd.application(APPLICATION).spec["source"]
    application(preflights, source={**before, **changes})


def no_auto_sync(preflights: PreflightWorld) -> None:
    application(preflights, syncPolicy={})


def no_sync_at_all(preflights: PreflightWorld) -> None:
    no_auto_sync(preflights)
    argocd_token(preflights, GET)


def protect(preflights: PreflightWorld, rule: str, *bypass: str) -> None:
    github = preflights.world.github
    github.protect(DEPLOYMENT, BRANCH, rule, bypass)  # type: ignore[arg-type]


def fault(server: str, **fields: object) -> Callable[[PreflightWorld], None]:
    """Let one of the servers fail."""

    def add(preflights: PreflightWorld) -> None:
        getattr(preflights.world, f"{server}_server").faults.add(Fault(**fields))  # type: ignore[arg-type]

    return add


def refuse_runs(preflights: PreflightWorld) -> None:
    faults = preflights.world.github_server.faults
    faults.add(not_permitted("actions=read").fault(path=".*/actions/runs/.*", times=None))


def refuse_comparisons(preflights: PreflightWorld) -> None:
    faults = preflights.world.github_server.faults
    faults.add(not_permitted("contents=read").fault(path=".*/compare/.*", times=None))


def nothing(preflights: PreflightWorld) -> None:
    """Everything as it should be."""


Arrange = Callable[[PreflightWorld], object]
Case = tuple[str, Arrange, dict[str, str], str, str, str, str]

# What is the case; what is arranged; which inputs differ; the row, its status, what it says and
# which next step it gives.
REGISTRY: list[Case] = [
    (
        "a fine-grained token is refused before ghcr.io is asked",
        nothing,
        {"image": "ghcr.io/xiilab/astrago-backend", "registry_token": "github_pat_x"},
        "registry, token",
        "failed",
        "is a fine-grained personal access token",
        "a classic personal token with the scope write:packages",
    ),
    (
        "no token for a registry elsewhere",
        nothing,
        {"image": "ghcr.io/xiilab/astrago-backend", "registry_token": ""},
        "registry, token",
        "failed",
        "`registry-token` is empty",
        "Set the secret",
    ),
    (
        "a token that the registry does not know",
        nothing,
        {"registry_token": "ghp_wrong"},
        "registry, sign-in",
        "failed",
        "Could not sign in to 127.0.0.1",
        "Renew the token",
    ),
    (
        "a package that this repository may only read",
        lambda it: it.world.registry.add_token(it.world.tokens.job, {IMAGE: "read"}),
        {},
        f"registry, push {IMAGE}",
        "failed",
        "write_package",
        "Manage Actions access",
    ),
    (
        "a registry that does not say whether one may push",
        fault("registry", kind="status", status=400, path=".*/uploads/"),
        {},
        f"registry, push {IMAGE}",
        "warning",
        "answered 400",
        "The first push will tell",
    ),
]
DEPLOYMENT_TOKEN: list[Case] = [
    (
        "no token",
        nothing,
        {"deployment_token": ""},
        "deployment, token",
        "failed",
        "`deployment-token` is empty",
        "Set the secret in this repository",
    ),
    (
        "a token that GitHub does not know",
        nothing,
        {"deployment_token": "github_pat_wrong"},
        "deployment, token",
        "failed",
        "Bad credentials",
        "wrong, expired or revoked",
    ),
    (
        "a token that ends within two weeks",
        lambda it: expire(it, 9.5),
        {},
        "deployment, token",
        "warning",
        "valid for 9d 1",
        "Make a new token in time",
    ),
    (
        "a token that is good for a month",
        lambda it: expire(it, 30.5),
        {},
        "deployment, token",
        "ok",
        "valid for 30d 1",
        "",
    ),
    (
        "a token that is made anew for each run",
        lambda it: expire(it, 1.5 / 24),
        {},
        "deployment, token",
        "ok",
        "valid for 1h",
        "",
    ),
    (
        "a token whose hour is nearly used up",
        lambda it: it.world.github.rate_limit(it.world.tokens.deploy, 40),
        {},
        "deployment, rate limit",
        "warning",
        "of 5000 requests left",
        "GitHub App installation token",
    ),
    (
        "a GitHub Enterprise Server without limits",
        fault("github", kind="status", status=404, body="{}", path=".*/rate_limit"),
        {},
        "deployment, rate limit",
        "ok",
        "sets no limit",
        "",
    ),
    (
        "a repository that is not there",
        nothing,
        {"deployment_repository": "xiilab/astrago-deploymet"},
        "deployment, repository",
        "failed",
        "Not Found",
        "check the spelling",
    ),
    (
        "a token that is not authorised for single sign-on",
        demand_sso,
        {},
        "deployment, repository",
        "failed",
        "SAML enforcement",
        "Configure SSO. http",
    ),
    (
        "an archived repository",
        lambda it: it.world.github.archive(DEPLOYMENT),
        {},
        "deployment, repository",
        "failed",
        "The repository is archived",
        "Unarchive it",
    ),
    (
        "nobody may write to an archived repository",
        lambda it: it.world.github.archive(DEPLOYMENT),
        {},
        "deployment, write",
        "skipped",
        "the repository is archived",
        "",
    ),
    (
        "a fine-grained token that may only read",
        lambda it: give(it, contents="read"),
        {},
        "deployment, write",
        "failed",
        "Resource not accessible by personal access token",
        "`contents: write`",
    ),
    (
        "an App that may only read",
        lambda it: give(it, contents="read", kind="installation"),
        {},
        "deployment, write",
        "failed",
        "Resource not accessible by integration",
        "`contents: write`",
    ),
    (
        "a classic token without the scope",
        lambda it: give(it, contents="read", kind="classic"),
        {},
        "deployment, write",
        "failed",
        "can see the repository, so it lacks the permission",
        "a classic token: `repo`",
    ),
    (
        "an App that may write",
        lambda it: give(it, contents="write", kind="installation"),
        {},
        "deployment, write",
        "ok",
        "`contents: write` is there",
        "",
    ),
]
DEPLOYMENT_BRANCH: list[Case] = [
    (
        "a branch that is not there",
        nothing,
        {"deployment_branch": "stabilise/1.0"},
        "deployment, branch",
        "failed",
        "The nearest is `stabilize/1.0`",
        "Correct the input `deployment-branch`",
    ),
    (
        "a ruleset that demands pull requests",
        lambda it: protect(it, "ruleset"),
        {},
        "deployment, branch rules",
        "failed",
        "takes no direct commits: `pull_request` (ruleset Ruleset 1)",
        "`mode: pull-request`",
    ),
    (
        "a ruleset that the token's owner may bypass",
        lambda it: protect(it, "ruleset", "deployer"),
        {},
        "deployment, branch rules",
        "ok",
        "does not bind the token's owner",
        "",
    ),
    (
        "a ruleset, and a mode that answers it",
        lambda it: protect(it, "ruleset"),
        {"mode": "commit-or-pull-request"},
        "deployment, branch rules",
        "ok",
        "pull requests will be opened",
        "",
    ),
    (
        "classic branch protection, which cannot be read",
        lambda it: protect(it, "pull-request"),
        {},
        "deployment, branch rules",
        "warning",
        "classic branch protection",
        "`mode: pull-request`",
    ),
    (
        "pull requests are needed and the token may not open them",
        lambda it: protect(it, "ruleset"),
        {"mode": "commit-or-pull-request"},
        "deployment, pull requests",
        "failed",
        "Could not open pull requests",
        "`pull_requests: write`",
    ),
    (
        "pull requests are wanted and the token may open them",
        lambda it: give(it, contents="write", pull_requests="write"),
        {"mode": "pull-request"},
        "deployment, pull requests",
        "ok",
        "`pull_requests: write` is there",
        "",
    ),
    (
        "a classic token that may not open pull requests",
        lambda it: give(it, contents="write", kind="classic"),
        {"mode": "pull-request"},
        "deployment, pull requests",
        "failed",
        "it lacks the permission",
        "`pull_requests: write` (a classic token: `repo`)",
    ),
    (
        "pull requests are not needed",
        nothing,
        {"mode": "commit-or-pull-request"},
        "deployment, pull requests",
        "skipped",
        "direct commits are allowed",
        "",
    ),
    (
        "a file that is not there",
        nothing,
        {"file": "values.yml"},
        "deployment, keys in values.yml",
        "failed",
        "`values.yml` is not in xiilab/astrago-deployment",
        "Correct the input `file`",
    ),
    (
        "a key that is not there",
        nothing,
        {"key": "astrago.{component}.imagTag"},
        "deployment, keys in values.yaml",
        "failed",
        "did you mean `astrago.core.imageTag`",
        "Correct the key path",
    ),
    (
        "a key that the bump may create",
        nothing,
        {"key": "astrago.{component}.tag", "if_missing": "create"},
        "deployment, keys in values.yaml",
        "ok",
        "`astrago.core.tag` is new",
        "",
    ),
    (
        "a key that no template reads",
        nothing,
        {"key": "astrago.{component}.imageTag", "templates": "argocd"},
        "deployment, keys in values.yaml",
        "warning",
        "no template in the searched folders reads it",
        "",
    ),
]
SOURCE: list[Case] = [
    (
        "commits that cannot be compared",
        refuse_comparisons,
        {},
        "source, compare commits",
        "warning",
        "Could not compare",
        "`contents: read`",
    ),
    (
        "runs that cannot be read",
        refuse_runs,
        {},
        "source, read runs",
        "warning",
        "Could not read this workflow run",
        "`actions: read`",
    ),
    (
        "no token",
        nothing,
        {"source_token": ""},
        "source, commits and runs",
        "skipped",
        "not asked",
        "`source-token`",
    ),
]
ARGO_CD: list[Case] = [
    (
        "nobody at this address",
        nothing,
        {"argocd_server": "http://127.0.0.1:9"},
        "argo cd, server",
        "failed",
        "Argo CD cannot be reached",
        "this runner may reach it",
    ),
    (
        "a gateway without a server behind it",
        fault("argocd", kind="status", status=502, body="{}", times=None),
        {},
        "argo cd, server",
        "failed",
        "Argo CD gives no usable answer",
        "the server's health",
    ),
    (
        "a login page",
        fault("argocd", kind="status", status=200, body="<html></html>", headers=PAGE, times=None),
        {},
        "argo cd, server",
        "failed",
        "does not answer like Argo CD",
        "root path",
    ),
    (
        "a certificate that is not checked",
        nothing,
        {"argocd_insecure": "true"},
        "argo cd, server",
        "warning",
        "its certificate is not checked",
        "`argocd-ca-cert`",
    ),
    (
        "no token",
        nothing,
        {"argocd_token": ""},
        "argo cd, token",
        "failed",
        "`argocd-token` is empty",
        "Set the secret",
    ),
    (
        "a token that Argo CD does not know",
        nothing,
        {"argocd_token": "wrong"},
        "argo cd, token",
        "failed",
        "does not accept the credentials",
        "generate-token",
    ),
    (
        "an application that is missing or hidden",
        nothing,
        {"application": "astrago-xilab"},
        "argo cd, application",
        "failed",
        "is missing, or these credentials may not see it",
        "applications, get",
    ),
    (
        "an application that follows another branch",
        lambda it: source(it, targetRevision="main"),
        {},
        "argo cd, application",
        "failed",
        "it follows `main`",
        "targetRevision",
    ),
    (
        "an application of another repository",
        lambda it: source(it, repoURL="https://github.com/xiilab/other.git"),
        {},
        "argo cd, application",
        "failed",
        "it has other sources",
        "Check `application`",
    ),
    (
        "a person syncs",
        no_auto_sync,
        {},
        "argo cd, sync",
        "warning",
        "each deploy waits for somebody to sync",
        "`sync: if-needed`",
    ),
    (
        "nobody syncs",
        no_auto_sync,
        {"sync": "never"},
        "argo cd, sync",
        "failed",
        "Nothing will sync this application",
        "`sync: if-needed`",
    ),
    (
        "the wait syncs",
        no_auto_sync,
        {"sync": "if-needed"},
        "argo cd, sync",
        "ok",
        "these credentials may sync",
        "",
    ),
    (
        "the wait would sync and may not",
        no_sync_at_all,
        {"sync": "if-needed"},
        "argo cd, sync",
        "failed",
        "may not sync",
        "`applications, sync, astrago/astrago-xiilab`",
    ),
    (
        "logs that may not be read",
        lambda it: argocd_token(it, GET),
        {},
        "argo cd, logs",
        "warning",
        "cannot be read",
        "`logs, get, astrago/astrago-xiilab`",
    ),
    (
        "a server that does not tell about rights",
        fault("argocd", kind="status", status=404, body="{}", path=".*can-i.*", times=None),
        {},
        "argo cd, logs",
        "warning",
        "as far as the server tells",
        "`logs, get",
    ),
]


@pytest.mark.parametrize(
    ("case", "arrange", "inputs", "name", "status", "detail", "remedy"),
    [
        pytest.param(*case, id=f"{case[3].partition(',')[0]}: {case[0]}")
        for case in (*REGISTRY, *DEPLOYMENT_TOKEN, *DEPLOYMENT_BRANCH, *SOURCE, *ARGO_CD)
    ],
)
def test_every_answer(
    preflights: PreflightWorld,
    case: str,
    arrange: Arrange,
    inputs: dict[str, str],
    name: str,
    status: str,
    detail: str,
    remedy: str,
) -> None:
    arrange(preflights)

    row = preflights.preflight(**inputs)[name]

    assert row["status"] == status, row
    assert detail in row["detail"]
    assert remedy in row["remedy"]
    failed = any("✗" in line for line in preflights.step.lines)
    assert (preflights.error is not None) == failed


def test_one_failure_keeps_no_other_question_from_being_asked(preflights: PreflightWorld) -> None:
    rows = preflights.preflight(
        registry_token="ghp_wrong",
        deployment_token="github_pat_wrong",
        argocd_token="wrong",
    )

    assert [name for name, row in rows.items() if row["status"] == "failed"] == [
        "registry, sign-in",
        "deployment, token",
        "argo cd, token",
    ]
    assert {row["status"] for name, row in rows.items() if name.startswith("source")} == {"ok"}
    error = preflights.error
    assert error is not None
    assert error.title == "Not ready: 3 of 7 checks failed"
    for area in ("registry, sign-in", "deployment, token", "argo cd, token"):
        assert f"- {area}: " in error.detail
    assert error.outputs["result"] == "not-ready"


def test_a_warning_is_an_annotation_and_stops_nothing(preflights: PreflightWorld) -> None:
    expire(preflights, 9.5)

    preflights.preflight()

    assert preflights.error is None
    (warned,) = preflights.step.warnings
    assert warned.startswith("deployment, token: look at this: GitHub knows this fine-grained")
    assert preflights.step.lines[-1] == "Ready: 17 checks, 1 warning."


def test_only_what_inputs_were_given_for_is_asked(preflights: PreflightWorld) -> None:
    rows = preflights.preflight(deployment_repository="", argocd_server="", file="", key="")

    assert rows["deployment, repository"]["detail"] == "not asked"
    assert rows["argo cd, server"]["detail"] == "not asked"
    assert preflights.world.argocd_server.exchanges == []
    assert preflights.error is None


def test_no_input_at_all_is_a_mistake(preflights: PreflightWorld) -> None:
    with pytest.raises(InputErrors) as caught:
        preflights.preflight(image="", deployment_repository="", argocd_server="")

    assert "`image`: is empty, and so are" in caught.value.detail


def test_mistakes_of_the_inputs_are_told_together(preflights: PreflightWorld) -> None:
    with pytest.raises(InputErrors) as caught:
        preflights.preflight(
            image="no-registry", deployment_repository="astrago", application="", mode="push"
        )

    named = {mistake.input_name for mistake in caught.value.mistakes}
    assert named == {"image", "deployment-repository", "application", "mode"}


def test_the_fallback_registry_is_asked_too(preflights: PreflightWorld) -> None:
    world = preflights.world
    place = f"{world.registry_host}/mirror"

    rows = preflights.preflight(fallback_registry=place, fallback_token=world.tokens.job)

    row = rows["fallback registry, push mirror/astrago-backend"]
    assert row["status"] == "failed"
    assert rows[f"registry, push {IMAGE}"]["status"] == "ok"


def test_each_image_repository_is_asked_once(preflights: PreflightWorld) -> None:
    host = preflights.world.registry_host

    rows = preflights.preflight(image=f"{host}/xiilab/astrago-{{component}}")

    pushes = [name for name in rows if name.startswith("registry, push ")]
    assert pushes == [
        f"registry, push xiilab/astrago-{name}" for name in ("core", "batch", "monitor")
    ]


def test_several_applications_share_their_rows(preflights: PreflightWorld) -> None:
    rows = preflights.preflight(application=f"{APPLICATION}, astrago-missing")

    row = rows["argo cd, application"]
    assert row["status"] == "failed"
    assert f"{APPLICATION} follows {BRANCH}" in row["detail"]
    assert "astrago-missing cannot be seen" in rows["argo cd, logs"]["detail"]


def test_a_selector_that_finds_nothing_fails_once(preflights: PreflightWorld) -> None:
    rows = preflights.preflight(application="", selector="team=nobody")

    assert rows["argo cd, application"]["status"] == "failed"
    assert "`team=nobody` finds 0" in rows["argo cd, application"]["detail"]
    for name in ("argo cd, sync", "argo cd, logs"):
        assert rows[name]["detail"] == "not asked: no application is found"


def test_a_login_that_renews_itself_is_not_called_short(preflights: PreflightWorld) -> None:
    preflights.world.argocd.add_user("ci", "pass-word")

    rows = preflights.preflight(argocd_token="", argocd_username="ci", argocd_password="pass-word")

    assert rows["argo cd, token"]["detail"] == "logged in as ci; renewed by itself"


def test_an_argo_cd_token_that_ends_soon_is_a_warning(preflights: PreflightWorld) -> None:
    token = preflights.world.argocd.new_token(seconds=3.5 * DAY)

    rows = preflights.preflight(argocd_token=token)

    assert rows["argo cd, token"]["status"] == "warning"
    assert "valid for 3d 1" in rows["argo cd, token"]["detail"]


def test_a_server_that_never_answers_holds_nothing_up(preflights: PreflightWorld) -> None:
    preflights.world.argocd_server.faults.add(Fault(kind="latency", seconds=3, times=None))
    began = time.monotonic()

    rows = preflights.preflight(timeout="1")

    assert time.monotonic() - began < 2.5
    assert rows["argo cd, server"]["detail"] == "no answer within 1 s"
    assert rows["deployment, write"]["status"] == "ok"


def test_the_output_is_a_list_that_scripts_can_read(preflights: PreflightWorld) -> None:
    preflights.preflight(deployment_token="")
    assert preflights.error is not None
    checks = json.loads(json.dumps(preflights.error.outputs["checks"]))

    assert {frozenset(each) for each in checks} == {
        frozenset({"area", "check", "status", "detail", "remedy"})
    }


def test_no_secret_is_shown(preflights: PreflightWorld) -> None:
    preflights.preflight(registry_token="ghp_wrong", argocd_token="wrong-argocd-token")

    shown = preflights.step.log + "".join(preflights.step.summaries) + str(preflights.error)
    for secret in ("ghp_wrong", "wrong-argocd-token", preflights.world.tokens.deploy):
        assert secret not in shown
        assert secret in preflights.step.masked


def test_the_repository_of_the_run_is_the_one_that_is_compared(preflights: PreflightWorld) -> None:
    preflights.preflight()

    paths = [each.request.path for each in preflights.world.github_server.exchanges]
    assert any(path.startswith(f"/api/v3/repos/{BACKEND}/compare/") for path in paths)
    assert f"/api/v3/repos/{BACKEND}/actions/runs/{preflights.run_id}" in paths


def test_two_files_of_one_name_are_told_apart(preflights: PreflightWorld) -> None:
    other = "helmfile/environments/customers/other/values.yaml"

    rows = preflights.preflight(file=f"{VALUES_FILE}, {other}")

    assert rows[f"deployment, keys in {VALUES_FILE}"]["status"] == "ok"
    assert rows[f"deployment, keys in {other}"]["status"] == "failed"
