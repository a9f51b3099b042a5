"""Alerts by e-mail, through one mail server (SMTP)."""

import json
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

import aiosmtplib

from app.alerts.delivery.failures import Undelivered
from app.settings import Settings

SUBJECTS = {
    "LIMIT_APPROACHING": "License limit is near",
    "LIMIT_EXCEEDED": "License limit exceeded",
    "LAUNCH_BLOCKED": "Launch blocked",
    "RULE_VIOLATED": "License rule violated",
}


class Mail:
    """Sends through the mail server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, address: str, delivery_id: str, payload: Mapping[str, Any]) -> None:
        """One attempt; raises Undelivered. The Message-ID is the same at every attempt."""
        settings = self._settings
        if settings.smtp_host is None:
            raise Undelivered("The service has no mail server: TOLLGATE_SMTP_HOST is not set.")
        try:
            await aiosmtplib.send(
                self._message(address, delivery_id, payload),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user,
                password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                timeout=settings.delivery_seconds,
            )
        except aiosmtplib.SMTPResponseException as error:
            raise Undelivered(f"The mail server answered {error.code}.") from None
        except aiosmtplib.SMTPRecipientsRefused:
            raise Undelivered("The mail server refuses the address.") from None
        except (aiosmtplib.SMTPException, OSError):
            raise Undelivered("The mail server does not answer as it should.") from None

    def _message(self, address: str, delivery_id: str, payload: Mapping[str, Any]) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.smtp_from
        message["To"] = address
        message["Subject"] = f"[Tollgate] {SUBJECTS.get(str(payload['data'].get('kind')), 'Test')}"
        message["Message-ID"] = f"<{delivery_id}@tollgate>"
        message["Auto-Submitted"] = "auto-generated"
        details = json.dumps(payload["data"], indent=2, ensure_ascii=False)
        message.set_content(f"{payload['data']['message']}\n\n{details}\n")
        return message
