"""Trading: sessions that own one broker account, their orders, their bot."""
