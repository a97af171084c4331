"""Where the demo people spend: raw descriptors, price ranges, Plaid's category.

Here belongs the catalogue. When and with which card they buy belongs to the people. In a raw text `{n4}`
stands for four digits and `{x7}` for seven capitals and digits.
"""

import re
from dataclasses import dataclass

from sandbox.people.dice import Dice
from sandbox.people.rows import Description

_SLOT = re.compile(r"\{([nx])(\d+)\}")
_CAPITALS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop: its prices from `low` to `high` in USD, and how its rows look."""

    name: str
    raw: str
    category: str
    low: float
    high: float
    place: str | None = "Montclair, NJ"  # None: online
    website: str | None = None
    kind: str = "merchant"
    processor: str | None = None

    def describe(self, dice: Dice) -> Description:
        """The text of one purchase."""
        filled = _SLOT.sub(
            lambda slot: dice.text(int(slot[2]), "0123456789" if slot[1] == "n" else _CAPITALS), self.raw
        )
        city, _, region = (self.place or "").partition(", ")
        return Description(
            name=filled,
            category=self.category,
            confidence="VERY_HIGH" if self.website else "HIGH",
            merchant=self.name,
            kind=self.kind,
            channel="in store" if self.place else "online",
            website=self.website,
            city=city or None,
            region=region or None,
            processor=self.processor,
        )


GROCERIES = (
    Merchant("Whole Foods", "WHOLEFDS MTC 10234 MONTCLAIR NJ", "FOOD_AND_DRINK_GROCERIES", 32, 210, website="wholefoodsmarket.com"),
    Merchant("Trader Joe's", "TRADER JOE S #{n3} FLORHAM PARK NJ", "FOOD_AND_DRINK_GROCERIES", 24, 140, "Florham Park, NJ", "traderjoes.com"),
    Merchant("ShopRite", "SHOPRITE BROOKDALE S1 BLOOMFIELD NJ", "FOOD_AND_DRINK_GROCERIES", 28, 185, "Bloomfield, NJ", "shoprite.com"),
    Merchant("Instacart", "IC* INSTACART*{n3} HTTPSINSTACAR CA", "FOOD_AND_DRINK_GROCERIES", 45, 170, None, "instacart.com", "marketplace"),
    Merchant("Montclair Farmers Market", "SQ *HEPWORTH FARMS MONTCLAIR NJ", "FOOD_AND_DRINK_GROCERIES", 9, 46, processor="Square"),
)  # fmt: skip
RESTAURANTS = (
    Merchant("Raymond's", "TST* RAYMONDS - MONTCLAIR MONTCLAIR NJ", "FOOD_AND_DRINK_RESTAURANT", 38, 120, processor="Toast"),
    Merchant("De Novo", "TST* DE NOVO EUROPEAN PUB UPPER MONTCL NJ", "FOOD_AND_DRINK_RESTAURANT", 44, 150, processor="Toast"),
    Merchant("Ani Ramen House", "ANI RAMEN HOUSE 201-5550{n3} NJ", "FOOD_AND_DRINK_RESTAURANT", 30, 88, website="aniramen.com"),
    Merchant("Porta", "SQ *PORTA JERSEY CITY JERSEY CITY NJ", "FOOD_AND_DRINK_RESTAURANT", 35, 110, "Jersey City, NJ", processor="Square"),
    Merchant("Villalobos", "VILLALOBOS 973-555{n4} MONTCLAIR NJ", "FOOD_AND_DRINK_RESTAURANT", 40, 125),
)  # fmt: skip
FAST_FOOD = (
    Merchant("Chipotle", "CHIPOTLE {n4} CLIFTON NJ", "FOOD_AND_DRINK_FAST_FOOD", 11, 42, "Clifton, NJ", "chipotle.com"),
    Merchant("Shake Shack", "SHAKE SHACK {n4} MONTCLAIR NJ", "FOOD_AND_DRINK_FAST_FOOD", 12, 48, website="shakeshack.com"),
    Merchant("DoorDash", "DD *DOORDASH RAMENHOUS 855-973-1040 CA", "FOOD_AND_DRINK_RESTAURANT", 24, 72, None, "doordash.com", "marketplace"),
    Merchant("Uber Eats", "UBER   *EATS HELP.UBER.COM CA", "FOOD_AND_DRINK_RESTAURANT", 19, 64, None, "ubereats.com", "marketplace"),
    Merchant("Panera Bread", "PANERA BREAD #60{n4} O CLIFTON NJ", "FOOD_AND_DRINK_FAST_FOOD", 9, 34, "Clifton, NJ", "panerabread.com"),
)  # fmt: skip
COFFEE = (
    Merchant("Starbucks", "STARBUCKS STORE 0{n4} MONTCLAIR NJ", "FOOD_AND_DRINK_COFFEE", 4, 17, website="starbucks.com"),
    Merchant("Paper Plane Coffee", "SQ *PAPER PLANE COFFEE CO MONTCLAIR NJ", "FOOD_AND_DRINK_COFFEE", 4, 15, processor="Square"),
    Merchant("Dunkin'", "DUNKIN #3{n5} BLOOMFIELD NJ", "FOOD_AND_DRINK_COFFEE", 3, 14, "Bloomfield, NJ", "dunkindonuts.com"),
    Merchant("Java Love", "SQ *JAVA LOVE COFFEE ROAS UPPER MONTCL NJ", "FOOD_AND_DRINK_COFFEE", 4, 19, processor="Square"),
)  # fmt: skip
FUEL = (
    Merchant("Shell", "SHELL OIL 5744451{n4} MONTCLAIR NJ", "TRANSPORTATION_GAS", 28, 66, website="shell.com"),
    Merchant("Exxon", "EXXON BLOOMFIELD AVE VERONA NJ", "TRANSPORTATION_GAS", 27, 64, "Verona, NJ", "exxon.com"),
    Merchant("QuickChek", "QUICK CHEK CORPORATION {n3} CEDAR GROVE NJ", "TRANSPORTATION_GAS", 25, 62, "Cedar Grove, NJ"),
)  # fmt: skip
ONLINE = (
    Merchant("Amazon", "AMZN Mktp US*{x9} Amzn.com/bill WA", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 8, 160, None, "amazon.com", "marketplace"),
    Merchant("Amazon", "Amazon.com*{x9} SEATTLE WA", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 7, 120, None, "amazon.com", "marketplace"),
    Merchant("Etsy", "PAYPAL *ETSY INC 402-935-7733 CA", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 12, 85, None, "etsy.com", "marketplace", "PayPal"),
    Merchant("eBay", "PAYPAL *EBAY US 402-935-7733 CA", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 9, 140, None, "ebay.com", "marketplace", "PayPal"),
    Merchant("Chewy", "CHEWY.COM 800-672-4399 FL", "GENERAL_MERCHANDISE_PET_SUPPLIES", 32, 110, None, "chewy.com"),
)  # fmt: skip
STORES = (
    Merchant("Target", "TARGET 0000{n4} CLIFTON NJ", "GENERAL_MERCHANDISE_SUPERSTORES", 18, 165, "Clifton, NJ", "target.com"),
    Merchant("Costco", "COSTCO WHSE #{n4} WAYNE NJ", "GENERAL_MERCHANDISE_SUPERSTORES", 60, 290, "Wayne, NJ", "costco.com"),
    Merchant("Home Depot", "THE HOME DEPOT #{n4} WEST ORANGE NJ", "HOME_IMPROVEMENT_HARDWARE", 14, 190, "West Orange, NJ", "homedepot.com"),
    Merchant("CVS", "CVS/PHARMACY #0{n4} MONTCLAIR NJ", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 6, 58, website="cvs.com"),
    Merchant("Old Navy", "OLD NAVY ON-LINE 800-653-6289 OH", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 22, 120, None, "oldnavy.gap.com"),
    Merchant("Uniqlo", "UNIQLO NEWPORT JERSEY CITY NJ", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 25, 130, "Jersey City, NJ", "uniqlo.com"),
    Merchant("Watchung Booksellers", "WATCHUNG BOOKSELLERS MONTCLAIR NJ", "GENERAL_MERCHANDISE_BOOKSTORES_AND_NEWSSTANDS", 11, 68),
    Merchant("Best Buy", "BESTBUYCOM8068{n8} 888-2378289 MN", "GENERAL_MERCHANDISE_ELECTRONICS", 25, 420, None, "bestbuy.com"),
    Merchant("IKEA", "IKEA ELIZABETH ELIZABETH NJ", "HOME_IMPROVEMENT_FURNITURE", 24, 260, "Elizabeth, NJ", "ikea.com"),
)  # fmt: skip
LEISURE = (
    Merchant("AMC Theatres", "AMC 2290 CLIFTON COMMONS CLIFTON NJ", "ENTERTAINMENT_TV_AND_MOVIES", 16, 68, "Clifton, NJ", "amctheatres.com"),
    Merchant("Turtle Back Zoo", "TURTLE BACK ZOO WEST ORANGE NJ", "ENTERTAINMENT_SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS", 30, 72, "West Orange, NJ"),
    Merchant("Ticketmaster", "TM *HUDSON VALLEY SHOW 800-653-8000 CA", "ENTERTAINMENT_SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS", 58, 240, None, "ticketmaster.com"),
    Merchant("Supercuts", "SUPERCUTS 8{n4} VERONA NJ", "PERSONAL_CARE_HAIR_AND_BEAUTY", 24, 52, "Verona, NJ", "supercuts.com"),
    Merchant("Amanti Vino", "SQ *AMANTI VINO MONTCLAIR NJ", "FOOD_AND_DRINK_BEER_WINE_AND_LIQUOR", 16, 74, processor="Square"),
)  # fmt: skip
GETTING_AROUND = (
    Merchant("Uber", "UBER   *TRIP HELP.UBER.COM CA", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", 11, 58, None, "uber.com"),
    Merchant("Lyft", "LYFT   *RIDE SAT 8PM LYFT.COM CA", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", 10, 49, None, "lyft.com"),
    Merchant("ParkMobile", "PARKMOBILE-{n4} 770-818-9036 GA", "TRANSPORTATION_PARKING", 2, 14, None, "parkmobile.io"),
    Merchant("E-ZPass", "E-ZPASS NJ CSC REPLENISH 888-288-6865 NJ", "TRANSPORTATION_TOLLS", 35, 35.01, None, "ezpassnj.com"),
    Merchant("NJ Transit", "NJT RAIL MY-TIX NEWARK NJ", "TRANSPORTATION_PUBLIC_TRANSIT", 6, 26, "Newark, NJ", "njtransit.com"),
)  # fmt: skip
TRANSIT = Merchant(
    "MTA",
    "MTA*NYCT PAYGO NEW YORK NY",
    "TRANSPORTATION_PUBLIC_TRANSIT",
    2.90,
    2.91,
    "New York, NY",
    "mta.info",
)
LUNCH = (
    Merchant("Sweetgreen", "SWEETGREEN BRYANT PARK NEW YORK NY", "FOOD_AND_DRINK_FAST_FOOD", 13, 21, "New York, NY", "sweetgreen.com"),
    Merchant("Pret A Manger", "PRET A MANGER 00{n2} NEW YORK NY", "FOOD_AND_DRINK_FAST_FOOD", 7, 18, "New York, NY", "pret.com"),
    Merchant("7-Eleven", "7-ELEVEN 3{n4} CLIFTON NJ", "GENERAL_MERCHANDISE_CONVENIENCE_STORES", 3, 16, "Clifton, NJ", "7-eleven.com"),
    Merchant("Halal Guys", "SQ *THE HALAL GUYS 53RD NEW YORK NY", "FOOD_AND_DRINK_FAST_FOOD", 10, 19, "New York, NY", processor="Square"),
)  # fmt: skip
HEALTH = (
    Merchant("Montclair Pediatrics", "MONTCLAIR PEDIATRICS LLC MONTCLAIR NJ", "MEDICAL_PRIMARY_CARE", 25, 180),
    Merchant("Walgreens", "WALGREENS #{n5} BLOOMFIELD NJ", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 8, 74, "Bloomfield, NJ", "walgreens.com"),
    Merchant("Essex Dental", "ESSEX DENTAL ARTS 973-555{n4} NJ", "MEDICAL_DENTAL_CARE", 40, 260),
    Merchant("Warby Parker", "WARBY PARKER 888-492-7297 NY", "MEDICAL_EYE_CARE", 95, 240, None, "warbyparker.com"),
)  # fmt: skip
CALIFORNIA = (
    Merchant("Blue Bottle Coffee", "SQ *BLUE BOTTLE 0231 OAKLAND CA", "FOOD_AND_DRINK_COFFEE", 5, 19, "Oakland, CA", "bluebottlecoffee.com", processor="Square"),
    Merchant("Tacos Oscar", "TST* TACOS OSCAR OAKLAND CA", "FOOD_AND_DRINK_RESTAURANT", 28, 90, "Oakland, CA", processor="Toast"),
    Merchant("Chevron", "CHEVRON 009{n4} BERKELEY CA", "TRANSPORTATION_GAS", 42, 78, "Berkeley, CA", "chevron.com"),
    Merchant("Safeway", "SAFEWAY #{n4} OAKLAND CA", "FOOD_AND_DRINK_GROCERIES", 22, 95, "Oakland, CA", "safeway.com"),
    Merchant("Monterey Bay Aquarium", "MONTEREY BAY AQUARIUM MONTEREY CA", "ENTERTAINMENT_SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS", 120, 210, "Monterey, CA"),
)  # fmt: skip
STUDIO_OUTLAYS = (
    Merchant("Amazon", "AMZN Mktp US*{x9} Amzn.com/bill WA", "GENERAL_MERCHANDISE_OFFICE_SUPPLIES", 12, 180, None, "amazon.com", "marketplace"),
    Merchant("Staples", "STAPLES 0011{n4} LOS ANGELES CA", "GENERAL_MERCHANDISE_OFFICE_SUPPLIES", 14, 120, "Los Angeles, CA", "staples.com"),
    Merchant("FedEx Office", "FEDEX OFFIC5380000{n4} LOS ANGELES CA", "GENERAL_SERVICES_POSTAGE_AND_SHIPPING", 9, 110, "Los Angeles, CA", "fedex.com"),
    Merchant("USPS", "USPS PO 05{n8} LOS ANGELES CA", "GENERAL_SERVICES_POSTAGE_AND_SHIPPING", 5, 38, "Los Angeles, CA", "usps.com"),
    Merchant("Samy's Camera", "SAMYS CAMERA FAIRFAX LOS ANGELES CA", "GENERAL_MERCHANDISE_ELECTRONICS", 35, 640, "Los Angeles, CA", "samys.com"),
    Merchant("Blick Art Materials", "BLICK ART {n3} LOS ANGELES CA", "GENERAL_MERCHANDISE_OFFICE_SUPPLIES", 18, 140, "Los Angeles, CA", "dickblick.com"),
    Merchant("Verve Coffee", "SQ *VERVE COFFEE ROASTERS LOS ANGELES CA", "FOOD_AND_DRINK_COFFEE", 5, 24, "Los Angeles, CA", processor="Square"),
    Merchant("Guisados", "TST* GUISADOS - DTLA LOS ANGELES CA", "FOOD_AND_DRINK_RESTAURANT", 18, 96, "Los Angeles, CA", processor="Toast"),
    Merchant("Uber", "UBER   *TRIP HELP.UBER.COM CA", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", 12, 64, None, "uber.com"),
    Merchant("Southwest Airlines", "SOUTHWES 5262{n9} 800-435-9792 TX", "TRAVEL_FLIGHTS", 118, 420, None, "southwest.com"),
)  # fmt: skip
