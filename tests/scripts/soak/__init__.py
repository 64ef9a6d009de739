"""The soak's weather: packets, routers, lines."""
