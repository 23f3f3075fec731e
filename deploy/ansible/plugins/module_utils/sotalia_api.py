# SPDX-License-Identifier: Apache-2.0
"""The client of Sotalia's HTTP API that the plugins and the runner share: standard library only."""
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_S = 15


class ApiError(Exception):
    """What the gateway refused; `status` 0: it was not reached."""

    def __init__(self, text, status=0, code=""):
        super().__init__(text)
        self.status = status
        self.code = code


class Api:
    """url, token and ca default to SOTALIA_URL, SOTALIA_TOKEN and SOTALIA_CA."""

    def __init__(self, url=None, token=None, ca=None):
        self.url = (url or os.environ.get("SOTALIA_URL", "")).rstrip("/")
        self.token = token or os.environ.get("SOTALIA_TOKEN", "")
        ca = ca or os.environ.get("SOTALIA_CA") or None
        if not self.url or not self.token:
            raise ApiError("SOTALIA_URL and SOTALIA_TOKEN must be set, and SOTALIA_CA unless the system trusts the gateway's certificate")
        self.context = ssl.create_default_context(cafile=ca) if self.url.startswith("https:") else None

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, headers={"Authorization": "Bearer " + self.token})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self.context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            try:
                problem = json.load(error)
            except ValueError:
                problem = {}
            raise ApiError(problem.get("detail") or f"{method} {path}: {error}", error.code, problem.get("code", "")) from error
        except (OSError, ValueError) as error:
            raise ApiError(f"{method} {self.url}{path}: {error}") from error

    def items(self, path, **filters):
        """Every item of a list, page by page."""
        after = None
        while True:
            query = {key: value for key, value in dict(filters, limit=500, after=after).items() if value}
            page = self.call("GET", path + "?" + urllib.parse.urlencode(query))
            yield from page["items"]
            after = page["next"]
            if after is None:
                return
