"""The paths of the five original systems: thin aliases onto the same views, no logic here.

The trailing slash is optional on all of them; a redirect would lose the body of a POST.
"""

from django.urls import URLPattern, re_path

from assistant import api as assistant_api
from contact import compat_api as contact_api
from fpga_export import compat_api as export_api
from fpga_export import fault_api
from predictions import letters_api
from sessions_app import compat_api, users_api
from trading import compat_api as trading_api
from visionai import metrics, status

urlpatterns: list[URLPattern] = [
    re_path(r"^login/?$", compat_api.login),
    re_path(r"^logout/?$", compat_api.logout),
    re_path(r"^auth/login/?$", compat_api.auth_login),
    re_path(r"^auth/register/?$", compat_api.auth_register),
    re_path(r"^auth/me/?$", compat_api.auth_me),
    re_path(r"^auth/refresh/?$", compat_api.auth_refresh),
    re_path(r"^(?:auth/)?verify-token/?$", compat_api.verify_token),
    re_path(r"^asl/analizar/?$", letters_api.original_predict),
    re_path(r"^api/image/asl/predict/?$", letters_api.original_predict),
    re_path(r"^asl/modelo/info/?$", letters_api.original_model),
    re_path(r"^manual_inference/?$", export_api.manual_inference),
    re_path(r"^convert_image_to_vhdl/?$", export_api.convert_image),
    re_path(r"^fault_injector/inference/?$", export_api.fault_inference),
    re_path(r"^fault_injector/configure/?$", fault_api.configure_faults),
    re_path(r"^extract_model_weights/?$", export_api.extract_weights),
    re_path(r"^(?:models|list_models)/?$", export_api.list_models),
    re_path(r"^upload_model/?$", export_api.upload_model),
    re_path(r"^delete_models/?$", export_api.delete_models),
    re_path(r"^models/layers/?$", export_api.model_layers),
    re_path(r"^download_file/?$", export_api.download_file),
    re_path(r"^download_file/(?P<file_path>.+)$", export_api.download_file),
    re_path(r"^list_sessions/?$", export_api.list_sessions),
    re_path(r"^cleanup_sessions/?$", export_api.cleanup_sessions),
    re_path(r"^usuarios/?$", users_api.usuarios),
    re_path(r"^usuarios/(?P<user_id>\d{1,18})/?$", users_api.usuario),
    re_path(r"^imagen/analizar/?$", assistant_api.analyse),
    re_path(r"^imagen/objetos/?$", assistant_api.objects),
    re_path(r"^imagen/descripcion/?$", assistant_api.description),
    re_path(r"^contacto/enviar/?$", contact_api.send),
    re_path(r"^contacto/mensajes/?$", contact_api.messages),
    re_path(r"^contacto/(?P<message_id>\d{1,18})/leido/?$", contact_api.read),
    re_path(r"^contacto/(?P<message_id>\d{1,18})/?$", contact_api.delete),
    re_path(r"^api/connect/?$", trading_api.connect),
    re_path(r"^api/connect/verify/?$", trading_api.verify),
    re_path(r"^api/disconnect/?$", trading_api.disconnect),
    re_path(r"^api/start/?$", trading_api.start),
    re_path(r"^api/stop/?$", trading_api.stop),
    re_path(r"^api/trade/?$", trading_api.trade),
    re_path(r"^api/balance/?$", trading_api.balance),
    re_path(r"^api/status/?$", trading_api.status),
    re_path(r"^api/history/?$", trading_api.history),
    re_path(r"^api/assets/?$", trading_api.assets),
    re_path(r"^metrics/?$", metrics.metrics),
    re_path(r"^status/?$", status.status),
    re_path(r"^status/health/?$", status.health),
    re_path(r"^status/websocket/?$", status.sockets),
    re_path(r"^status/database/?$", status.data),
    re_path(r"^resilience/health/?$", status.resilience),
]
