"""Where the solutions are."""

from workshop.settings import ROOT

SOLUTIONS = ROOT / "solutions"
HELLO_AGENT = SOLUTIONS / "01_agent_hello_world"
HELLO_TEMPORAL = SOLUTIONS / "02_temporal_hello_world"
DURABLE = SOLUTIONS / "03_durable_agent"
ROUTING = SOLUTIONS / "04_agent_routing"
APPROVAL = SOLUTIONS / "going_further" / "approval"
CONVERSATION = SOLUTIONS / "going_further" / "conversation"
TESTING = SOLUTIONS / "going_further" / "testing"
POLLING = SOLUTIONS / "going_further" / "polling"
LESSONS = (APPROVAL, CONVERSATION, POLLING, TESTING)
ALL = (HELLO_AGENT, HELLO_TEMPORAL, DURABLE, ROUTING)
