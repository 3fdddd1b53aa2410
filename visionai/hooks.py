"""What a lower app must reach in a higher one, filled here, by name."""

from accounts import books, hooks, invoices, usage
from assistant import account as talked
from assistant import far_letters
from assistant import hooks as asked
from contact import account as written
from fpga_export import account as made
from predictions import account as seen
from predictions import hooks as letters
from sessions_app import account
from sessions_app import hooks as logins
from trading import account as traded
from trading import sealed
from visionai import told


def connect() -> None:
    """Once a process, when all apps are loaded."""
    hooks.export_all = [account.export_sessions, seen.export_predictions, seen.export_consents]
    hooks.export_all += [made.export_networks, made.export_exports, made.export_faults]
    hooks.export_all += [written.export_messages]
    hooks.export_all += [usage.export_usage, invoices.export_invoices]
    hooks.erase = [books.erase_usage, invoices.erase_invoices]
    hooks.erase += [account.erase_sessions, seen.erase_predictions, made.erase_exports]
    hooks.erase += [written.erase_messages]
    hooks.export_all += [traded.export_sessions, traded.export_orders, traded.export_limits]
    hooks.export_all += [traded.export_log]
    hooks.export_all += [traded.export_candles, traded.export_backtests, traded.export_agents]
    hooks.erase += [traded.erase_trading]
    hooks.export_all += [talked.export_conversations, talked.export_messages, talked.export_files]
    hooks.erase += [talked.erase_assistant]
    hooks.disabled = [account.end_disabled, traded.stop_disabled, talked.stop_disabled]
    logins.ended = [traded.stop_of_login]
    logins.all_ended = [traded.stop_of_user]
    letters.far_letters = [far_letters.read_far]
    hooks.sealed = list(sealed.COLUMNS)
    asked.user_tools = list(told.user_tools)
