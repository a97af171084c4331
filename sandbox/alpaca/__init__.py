"""The Alpaca half of the sandbox: a brokerage account, its orders, and market data over Alpaca's own wire.

history             what the household did with its account, month by month
book                from deposits and fills to cash, positions and account activities
world               the account at an instant: history and clients' orders together, valued
checks, funds       what an order must be; what the account can pay for
booking             activities that are booked from outside: transfers, mergers, what is taken back
desk                the life of an order: accepted, filled, cancelled, expired, replaced
trading, data       the two HTTP services; `activities`, `documents`, `adjustment` and
                    `corporate_actions` are the parts of their answers
stream              the trade_updates WebSocket
keys, wire          credentials; the spelling of numbers, instants, ids, orders and refusals
"""
