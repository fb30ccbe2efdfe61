"""What the `type` of a problem leads to."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.gate import Public
from app.api.requests import StrictRoute
from app.api.responses import plain
from app.api.v1 import problems
from app.core.errors import STATUS, ErrorCode, not_found
from app.core.messages import pick_language, problem_text
from app.schemas.problems import ProblemTypeRead

router = APIRouter(
    prefix="/problems",
    tags=["problems"],
    route_class=StrictRoute,
    dependencies=[Depends(Public("a refusal leads here, also one for want of a login"))],
)


@router.get("/{code}", response_model=ProblemTypeRead, responses=problems.PROBLEM_TYPE)
async def get_problem_type(
    request: Request, code: Annotated[str, Path(description="A problem's `code`.")]
) -> Response:
    """What a code of problems means, in the language that Accept-Language asks for."""
    if code not in set(ErrorCode):
        raise not_found("resource")
    language = pick_language(request.headers.get("accept-language"))
    answer = plain(request, {"type": request.url.path, **_meaning(ErrorCode(code), language)})
    answer.headers.update({"content-language": language, "vary": "accept-language"})
    return answer


def _meaning(code: ErrorCode, language: str) -> dict[str, Any]:
    title, detail = problem_text(code, language, {})
    return {"title": title, "status": STATUS[code], "detail": detail, "code": code}
