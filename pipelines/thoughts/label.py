"""The answer alone, without reasoning: the target of MD's label fine-tuning baseline.

38
"""

from pipelines.thoughts import cot
from pipelines.thoughts.thought import Thought

THOUGHT = Thought(name="label", trigger="", solve=cot.solve, answered=cot.THOUGHT.answered)
