"""Many clips: which there are, where their results go, which are done already."""

from vidtrack.batch.plan import Job, plan
from vidtrack.batch.run import Existing, Outcome, run_jobs

__all__ = ["Existing", "Job", "Outcome", "plan", "run_jobs"]
