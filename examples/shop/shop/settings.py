"""Settings of the example shop: safe for a demo on one machine, never for the internet.

Read from the environment: SHOP_DATABASE (path of the SQLite file), SHOP_SECRET_KEY.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def _secret_key() -> str:
    """The key all workers share: made at first use, kept in the git-ignored `var/`.

    Several workers may start at once: each offers a complete file, and the first link wins.
    """
    path = VAR_DIR / "secret_key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=VAR_DIR, encoding="ascii") as offer:
            offer.write(get_random_secret_key())
            offer.flush()
            with contextlib.suppress(FileExistsError):
                os.link(offer.name, path)
    return path.read_text(encoding="ascii")


SECRET_KEY = os.environ.get("SHOP_SECRET_KEY") or _secret_key()

INSTALLED_APPS = [
    "django.contrib.humanize",
    "django.contrib.sessions",
    "shop.catalog",
    "shop.customers",
    "shop.pricing",
    "shop.search",
    "shop.cart",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shop.middleware.VisitorMiddleware",
    "shop.middleware.ShippingRatesMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "shop.cart.context.storefront",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
        },
    }
]

# Several workers share one file. Write-ahead logging lets readers go on while one writes;
# IMMEDIATE takes the write lock at BEGIN, where waiting works, instead of in mid-transaction,
# where SQLite must refuse; and NORMAL spares an fsync per session write.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE") or VAR_DIR / "shop.sqlite3",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 24 * 3600

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True
USE_I18N = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
}
