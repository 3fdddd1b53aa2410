"""Paths below `/api/v1/`; the trailing slash is optional."""

from django.urls import re_path

from fpga_export import api, fault_api

urlpatterns = [
    re_path(r"^hardware/networks/?$", api.networks, name="api-networks"),
    re_path(r"^hardware/networks/(?P<name>[^/]+)/?$", api.network, name="api-network"),
    re_path(r"^hardware/faults/?$", fault_api.fault_defaults, name="api-faults"),
    re_path(r"^hardware/exports/?$", api.exports, name="api-exports"),
    re_path(r"^hardware/exports/(?P<session_id>[\w-]+)/?$", api.export, name="api-export"),
    re_path(r"^hardware/exports/(?P<session_id>[\w-]+)/cancel/?$", api.cancel, name="api-cancel"),
    re_path(
        r"^hardware/exports/(?P<session_id>[\w-]+)/netlist/?$", api.netlist, name="api-netlist"
    ),
    re_path(r"^hardware/exports/(?P<session_id>[\w-]+)/zip/?$", api.archive, name="api-zip"),
    re_path(
        r"^hardware/exports/(?P<session_id>[\w-]+)/files/(?P<name>.+)$", api.file, name="api-file"
    ),
]
