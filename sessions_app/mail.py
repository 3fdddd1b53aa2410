"""What is mailed."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import User, fold


def mail_reset_link(email: str, *, site: str, language: str) -> None:
    """Mail the link, which works once and for an hour, where the account exists."""
    user = User.objects.filter(email=fold(email), is_active=True).first()
    if user is None or user.email is None:
        return
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    with override(language):
        link = site + reverse("password-reset-confirm", args=[uid, token])
        words = _(
            "Hello {name},\n\nto choose a new password for VisionAI, open this page within an"
            " hour:\n\n{link}\n\nIf you did not ask for this, nothing has changed and you need"
            " to do nothing.\n"
        )
        body = words.format(name=user.name or user.username, link=link)
        send_mail(_("A new password for VisionAI"), body, settings.DEFAULT_FROM_EMAIL, [user.email])
