from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


class SesionAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        return None
