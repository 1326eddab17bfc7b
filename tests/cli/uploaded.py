"""What a fast server has, by file name."""

from collections import Counter

import httpx2

from media_processor.messages.media import MediaPage


def known(url: str, prefix: str) -> "Counter[str]":
    found: Counter[str] = Counter()
    page = MediaPage(items=(), next="")
    while page.next is not None:
        params = {"limit": "500"} | ({"cursor": page.next} if page.next else {})
        answer = httpx2.get(f"{url}/media", params=params)
        page = MediaPage.model_validate_json(answer.content)
        found.update(media.filename for media in page.items)
    return Counter({name: count for name, count in found.items() if name.startswith(prefix)})
