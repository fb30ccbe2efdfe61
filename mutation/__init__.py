"""Deletes each guard in turn and looks which test notices."""
