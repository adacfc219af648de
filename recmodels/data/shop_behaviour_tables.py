"""The fixed probabilities of the simulated shop in which behaviour is to be learnt."""

import numpy as np

TYPES = {  # Labels of the behaviour types by language, in the order of all tables below.
    "en": ("view", "cart", "favourite", "buy"),
    "zh": ("浏览", "加购", "收藏", "购买"),
}
VIEW, CART, FAVOURITE, BUY = range(4)
DEVICES = ("phone", "desktop", "tablet")
DEVICE_SHARE = np.array([0.55, 0.35, 0.1])
STRAY_SHARE = 0.2  # Of sessions on a device that is drawn anew, instead of the user's own.
SESSION_GAP = 1_800  # Seconds of inactivity after which the device may change.

# Hidden segments of users differ in what they can pay, how often they shop and when they return.
BUDGETS = np.array([-0.9, 0.0, 0.9])  # In standard deviations of log prices.
SEGMENT_SHARE = np.array([0.4, 0.35, 0.25])
MEMBER_SHARE = np.array([0.1, 0.4, 0.8])  # Of users with a membership, which the table shows.
SHOPPING_SHARE = np.array([0.2, 0.35, 0.5])  # Of sessions that begin with the will to buy.

# Next comes either a further event of the session (0) or the first event of a new one (1).
KEEP_INTENT = np.array([0.97, 0.6])  # Otherwise the intent is drawn anew, all being equally likely.
STOP_SHOPPING, START_SHOPPING = 0.08, 0.04  # Between two events of a session.
END_LOGIT, END_SHOPPING, END_NIGHT = -1.9, -0.8, 1.4
END_AFTER = np.array([0.0, 0.0, -0.5, 2.4])  # By the type of the last event.

# Logits of the types, against 0 for a view.
NEW_SESSION = 4
FUNNEL = np.array(
    [
        [0, -4.0, -4.0, -6.5],  # After a view.
        [0, -3.6, -4.6, -1.6],  # After an item went into the cart.
        [0, -1.4, -4.0, -3.4],  # After a favourite.
        [0, -4.2, -4.2, -6.0],  # After a purchase.
        [0, -4.6, -4.6, -4.0],  # At the beginning of a session.
    ]
)
WHEN_SHOPPING = np.array([0, 2.6, 0.8, 2.8])
IF_AFFORDABLE = np.array([0, 0.8, -0.8, 1.4])  # Times the affordability, which is from -1 to 1.
AT_WEEKENDS = np.array([0, 0.3, 0.0, 0.9])
IN_THE_EVENING = np.array([0, 0.6, 0.4, 0.0])
ON_DEVICE = np.array([[0, 0.0, 0.7, -0.9], [0, 0.4, -0.7, 0.9], [0, 0.0, 0.2, 0.0]])

# Which item: the last one, its companion under the intent, or one browsed.
SAME, COMPANION, BROWSED = range(3)
WHICH_ITEM = np.array(
    [
        [[0.05, 0.6, 0.35], [0.85, 0.1, 0.05], [0.85, 0.1, 0.05], [0.9, 0.0, 0.1]],
        [[0.2, 0.2, 0.6], [0.5, 0.1, 0.4], [0.5, 0.1, 0.4], [0.7, 0.0, 0.3]],
    ]
)
OUTSIDE_WEIGHT = 0.05  # Of browsing an item outside the categories of the intent.
TASTE_SCALE, PRICE_TOLERANCE = 0.3, 0.8

# Dwell: the logarithm of the seconds is normal; it is recorded for some events only.
DWELL_MEAN = np.array([2.4, 1.6, 1.4, 3.4])
DWELL_SHOPPING, DWELL_SCALE = 0.9, 0.6
DWELL_RECORDED = np.array([0.9, 0.5, 0.5, 0.7])

# Gaps: the logarithm of 1 + seconds is normal in each component.
SHORT_MEAN = np.array([[4.0, 4.2], [3.6, 3.4], [3.4, 3.4], [5.0, 4.8]])  # Browsing, shopping.
SHORT_SCALE = 0.45
DWELL_SLOPE, TYPICAL_LOG_DWELL = 0.7, 2.7  # Who stays long needs longer until the next event.
RETURN_MEAN = np.log1p([4 * 3600, 24 * 3600, 7 * 24 * 3600])  # Later, tomorrow, in a week.
RETURN_SCALE = np.array([0.8, 0.12, 0.05])
RETURN_SHARE = np.array(  # By weekday or weekend, and by segment.
    [
        [[0.25, 0.35, 0.4], [0.35, 0.45, 0.2], [0.45, 0.5, 0.05]],
        [[0.45, 0.15, 0.4], [0.6, 0.2, 0.2], [0.7, 0.2, 0.1]],
    ]
)
