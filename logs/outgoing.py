"""What `send_webhooks` sends for logs: each noted word of an incident, by webhook or e-mail."""

import smtplib
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.core.mail import EmailMessage

from logs.alert_models import Notice, Recipient
from logs.alert_words import letter, subject
from realtime.api import GONE, Answer, post_signed


def send_due(now: datetime | None = None) -> int:
    """Sends what is due and returns how many were tried."""
    tried: int = Notice.objects.select_related("recipient").send_due(_send, now)
    return tried


def prune(now: datetime) -> None:
    Notice.objects.prune(now)


def _send(notice: Notice, now: datetime) -> Answer:
    to = notice.recipient
    if not to.active:
        return Answer(GONE, "The recipient is switched off.")
    if not to.is_webhook:
        return _mail(notice)
    answer = post_signed(to.address, to.secret, notice.message_id, notice.body, now)
    if answer.status == GONE:
        Recipient.objects.filter(pk=to.pk).update(active=False)
    return answer


def _mail(notice: Notice) -> Answer:
    """By Django's mail, with an id of the message that is the same for every attempt."""
    data: dict[str, Any] = msgspec.json.decode(notice.body)["data"]
    host = urlsplit(settings.SITE_URL).hostname
    headers = {"Message-ID": f"<{notice.message_id}@{host}>", "Auto-Submitted": "auto-generated"}
    to = [notice.recipient.address]
    mail = EmailMessage(subject(data), letter(data), to=to, headers=headers)
    try:
        mail.send()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return Answer(0, f"Not sent: {error}")
    return Answer(200, "Handed to the mail server.")
