"""The threads in which the assistant asks the database."""

from visionai.lib.threads import Threads

in_thread = Threads("assistant", most=6).do
