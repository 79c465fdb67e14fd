"""The report's figures as JSON values, for other steps and programs."""

from __future__ import annotations

from astrago_actions.domain.dora import ServiceFigures, Share
from astrago_actions.domain.pipeline_report import History
from astrago_actions.domain.success_rates import SuccessRate


def rates_json(history: History) -> dict[str, object]:
    """Rate name -> counts, share, interval, target and verdict; empty where nothing is known."""
    return {rate.name: _rate(rate) for rate in history.rates}


def _rate(rate: SuccessRate) -> dict[str, object]:
    tally = rate.decisive
    return {
        "basis": rate.basis,
        "successes": tally.successes,
        "runs": tally.total,
        "share": rate.share,
        "low": rate.interval.low,
        "high": rate.interval.high,
        "target": rate.target.share if rate.target else None,
        "verdict": rate.verdict,
        "failures-allowed": rate.failures_allowed,
        "failures": rate.failures,
        "left-out": dict(tally.left_out),
        rate.other_basis.replace(" ", "-"): {
            "successes": rate.other.successes,
            "runs": rate.other.total,
        },
    }


def dora_json(history: History) -> dict[str, object]:
    """The window and the five figures of each service; empty where nothing is known."""
    if not history.services:
        return {}
    return {
        "window-days": round(history.services[0].days, 3),
        "services": [_service(each) for each in history.services],
    }


def _service(service: ServiceFigures) -> dict[str, object]:
    lead, recovery = service.lead_time, service.recovery_time
    return {
        "component": service.component,
        "environment": service.environment,
        "deployments": service.deployments,
        "deployments-per-day": service.per_day,
        "lead-time": {
            "median-seconds": lead.median,
            "p90-seconds": lead.slowest_tenth,
            "n": lead.known,
            "unread": lead.unread,
            "negative": lead.negative,
        },
        "change-fail-rate": _share(service.change_fail_rate),
        "recovery-time": {
            "median-seconds": recovery.median,
            "n": recovery.recovered,
            "open-seconds": list(recovery.open_seconds),
        },
        "rework-rate": _share(service.rework_rate),
    }


def _share(share: Share) -> dict[str, object]:
    """A null share means that there are too few deployments to say."""
    interval = share.interval
    return {
        "share": share.share,
        "part": share.part,
        "n": share.total,
        "low": interval.low,
        "high": interval.high,
    }
