"""Whether a change is live: the state machine of a rollout, from observations to verdicts."""
