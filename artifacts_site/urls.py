"""The routes of every door."""

urlpatterns: list = []
