"""Places that banks write behind a merchant's name, as parts of a pattern.

What belongs here: regions and large cities, as they stand in descriptions. What does not: what is done with them
(``merchants``). A city that is missing costs little: its name stays in the merchant.
"""

_REGIONS = """
al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri
sc sd tn tx ut vt va wa wv wi wy dc pr on qc bc ab mb sk ns nb nl pe yt nt nu gb uk
"""
_CITIES = """
new york|brooklyn|bronx|queens|manhattan|los angeles|chicago|houston|phoenix|philadelphia|san antonio|san diego|dallas
san jose|austin|jacksonville|fort worth|columbus|charlotte|san francisco|indianapolis|seattle|denver|washington
boston|el paso|nashville|detroit|oklahoma city|portland|las vegas|memphis|louisville|baltimore|milwaukee|albuquerque
tucson|fresno|sacramento|kansas city|mesa|atlanta|omaha|colorado springs|raleigh|miami|long beach|virginia beach
oakland|minneapolis|tulsa|tampa|arlington|new orleans|wichita|bakersfield|cleveland|aurora|anaheim|honolulu
santa ana|riverside|corpus christi|lexington|stockton|st louis|saint louis|st paul|saint paul|pittsburgh|cincinnati
anchorage|greensboro|plano|newark|lincoln|orlando|irvine|toledo|jersey city|durham|chula vista|laredo|madison
chandler|buffalo|lubbock|scottsdale|reno|glendale|norfolk|winston salem|irving|chesapeake|gilbert|hialeah|fremont
richmond|boise|baton rouge|des moines|spokane|san bernardino|modesto|tacoma|fontana|salt lake city|berkeley|palo alto
mountain view|sunnyvale|santa monica|santa clara|santa barbara|pasadena|cupertino|redmond|bellevue|cambridge
toronto|montreal|vancouver|calgary|edmonton|ottawa|winnipeg|mississauga|brampton|hamilton|quebec|surrey|laval
halifax|london|markham|vaughan|gatineau|saskatoon|kitchener|burnaby|windsor|regina|richmond hill|oakville|burlington
barrie|oshawa|guelph|kelowna|etobicoke|scarborough|north york|east york|concord|pickering|ajax|whitby|thornhill
birmingham|manchester|leeds|liverpool|sheffield|bristol|glasgow|edinburgh|leicester|coventry|cardiff|belfast
nottingham|newcastle|southampton|portsmouth|brighton|wolverhampton|solihull|sutton coldfield|walsall|dudley
dublin|berlin|munich|hamburg|paris|amsterdam|zurich|geneva|vienna|brussels|madrid|barcelona|milan|rome|lisbon|sydney
melbourne|brisbane|auckland|singapore|hong kong|tokyo
"""

REGIONS = "|".join(_REGIONS.split())
CITIES = "|".join(
    sorted("|".join(_CITIES.strip().splitlines()).split("|"), key=lambda city: (-len(city), city))
)
