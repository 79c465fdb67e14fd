from astrago_actions.domain.values import current, edit

SEED = """\
# 아스트라고 배포 설정
astrago:
  tlsSecretName: ""   # 인증서

  core:
    repository: "xiilab/astrago-backend"
    imageTag: "core-stage-ca58a8c3"
  batch:
    imageTag: "batch-stage-ca58a8c3"   # 배치
  frontend:
    imageTag: "frontend-stage-4e1b9c77\""""


def test_changes_only_the_tags_of_the_seed_file() -> None:
    changes = {
        "astrago.core.imageTag": "core-stage-1a2b3c4d",
        "astrago.frontend.imageTag": "frontend-stage-1a2b3c4d",
    }

    expected = SEED.replace("core-stage-ca58a8c3", "core-stage-1a2b3c4d")
    expected = expected.replace("frontend-stage-4e1b9c77", "frontend-stage-1a2b3c4d")
    assert edit(SEED, changes) == expected


def test_reads_the_current_values() -> None:
    assert current(SEED, ["astrago.core.imageTag", "astrago.none"]) == {
        "astrago.core.imageTag": "core-stage-ca58a8c3",
        "astrago.none": None,
    }
