"""What must follow the end of a login, in apps that this one does not know.

`visionai/hooks.py` fills the lists; they are called in the transaction of the end.
"""

from collections.abc import Callable
from datetime import datetime

from accounts.models import User
from sessions_app.models import Sesion

Reason = Sesion.EndReason

# A login was ended by somebody (not by a limit): its id, the reason, the moment.
ended: list[Callable[[int, Reason, datetime], None]] = []

# All logins of a user but one were: the user, the reason, the id that stays, the moment.
all_ended: list[Callable[[User, Reason, int | None, datetime], None]] = []
