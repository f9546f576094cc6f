"""The words that products, people and reviews are made of. Data only."""

# Top shelf: {lower shelf: kinds of product on it}.
SHELVES = {
    "Kitchen": {
        "Cookware": ["Saucepan", "Frying Pan", "Stockpot", "Casserole", "Wok", "Griddle"],
        "Knives": ["Chef's Knife", "Bread Knife", "Paring Knife", "Cleaver", "Sharpener"],
        "Coffee": ["Moka Pot", "Coffee Grinder", "French Press", "Filter Cone", "Milk Jug"],
        "Baking": ["Cake Tin", "Rolling Pin", "Mixing Bowl", "Loaf Tin", "Piping Set"],
    },
    "Garden": {
        "Hand Tools": ["Trowel", "Secateurs", "Hand Fork", "Weeder", "Pruning Saw"],
        "Watering": ["Watering Can", "Garden Hose", "Sprinkler", "Rain Gauge", "Drip Kit"],
        "Planters": ["Clay Pot", "Raised Bed", "Hanging Basket", "Window Box", "Trellis"],
        "Seeds": ["Tomato Seeds", "Basil Seeds", "Sunflower Seeds", "Carrot Seeds"],
    },
    "Workshop": {
        "Power Tools": ["Cordless Drill", "Jigsaw", "Sander", "Router", "Impact Driver"],
        "Measuring": ["Tape Measure", "Spirit Level", "Calliper", "Try Square", "Plumb Line"],
        "Fixings": ["Wood Screws", "Wall Plugs", "Bolts", "Nails", "Washers"],
        "Storage": ["Tool Box", "Parts Organiser", "Tool Roll", "Shelf Bracket"],
    },
    "Office": {
        "Writing": ["Fountain Pen", "Notebook", "Pencil Set", "Ink Bottle", "Marker Set"],
        "Desk": ["Desk Lamp", "Monitor Stand", "Letter Tray", "Desk Mat", "Bookend"],
        "Paper": ["Copy Paper", "Sketch Pad", "Envelopes", "Index Cards"],
    },
    "Outdoors": {
        "Camping": ["Tent", "Sleeping Bag", "Camp Stove", "Lantern", "Sleeping Mat"],
        "Walking": ["Rucksack", "Walking Poles", "Water Bottle", "Head Torch", "Compass"],
        "Cycling": ["Pannier", "Bicycle Pump", "Bell", "Repair Kit", "Cycle Light"],
    },
    "Home": {
        "Bedding": ["Duvet", "Pillow", "Blanket", "Bed Sheet", "Mattress Topper"],
        "Lighting": ["Table Lamp", "Floor Lamp", "Pendant Light", "Night Light"],
        "Cleaning": ["Broom", "Scrubbing Brush", "Mop", "Bucket", "Duster"],
    },
    "Pantry": {
        "Tea": ["Assam Tea", "Earl Grey", "Rooibos", "Peppermint Tea", "Green Tea"],
        "Spices": ["Smoked Paprika", "Black Pepper", "Turmeric", "Cumin", "Cardamom"],
        "Preserves": ["Marmalade", "Honey", "Quince Jelly", "Chutney", "Crème de Marrons"],
    },
}
REDUCED_TAX = {"Pantry"}

MATERIALS = (
    "steel copper enamel oak beech walnut linen cotton wool leather brass ceramic glass bamboo "
    "cork aluminium cast-iron rubber slate birch"
).split()
COLOURS = "black white red blue green grey yellow cream navy olive rust sand".split()
QUALITIES = (
    "sturdy light compact classic quiet precise durable folding handmade weatherproof simple "
    "heavy-duty slim practical"
).split()
LINES = (
    "Alder Bracken Clover Dune Ember Fjord Granite Harbour Indigo Juniper Kestrel Larch Meadow "
    "Nettle Orchard Pebble Quarry Rowan Sorrel Thistle Umber Vale Willow Yarrow"
).split()
USES = (
    "everyday use",
    "small kitchens",
    "long journeys",
    "wet weather",
    "beginners and old hands alike",
    "people who repair things",
    "the back of a drawer",
    "busy workshops",
    "quiet evenings",
    "children with some help",
)
SENTENCES = (
    "The {material} body keeps its shape for years.",
    "Made for {use}.",
    "A {quality} {kind} with a {colour} finish.",
    "The handle is {other}, shaped to sit well in the hand.",
    "It cleans with warm water and comes apart without tools.",
    "Spare parts are kept in stock for ten years.",
    "Packed in paper, without plastic.",
    "Our own workshop has used one since the first series.",
    "Goes well with the other pieces of the {line} range.",
    "Tested at the edge of what a {kind} should bear.",
    "The {colour} version is dyed, not painted.",
)

BRAND_STARTS = "Arden Bergen Corvo Delft Elm Forge Gale Hollin Isar Jura Kiln Lode Moor Nord".split()
BRAND_ENDS = ["& Daughters", "Works", "Supply", "Atelier", "Brothers", "Mill"]

FIRST_NAMES = (
    "Ada Björn Chloé Dimitri Elif Farah Gustav Hanna Ines Jonas Kofi Lena Mateo Nadia Olek Priya "
    "Quentin Rosa Sven Tomás Uma Vera Wim Yara Zoë"
).split()
LAST_NAMES = (
    "Abel Brandt Costa Dubois Eriksen Fischer García Hughes Ivanova Jansen Kowalska Lindqvist "
    "Moreau Novák O'Brien Petrov Rossi Schmidt Tan Usman Virtanen Weber Young Zieliński"
).split()

OPINIONS = {
    1: ("Broke at once", "It did not last a week. The {material} part came loose."),
    2: ("Not for me", "Heavier than I thought, and the {colour} is not the one in the picture."),
    3: ("It does its work", "Neither good nor bad. Fine for {use}."),
    4: ("Good", "A {quality} thing. I took off one star because delivery took a while."),
    5: ("Could not be better", "I use it daily & would buy it again, even for {use}."),
}
