"""Take it with you: what stands behind a view, as files.

    shown.py    what is kept of a view: the view as it travelled, and the computed functions that made it
    numbers.py  its arrays as .npz, with a README of them
    source.py   a Python program that computes the same
    film.py     the steps of a diffusion run as an animation, and side by side
    files.py    where the browser fetches them

Pictures and tables are made in the browser, of what is drawn there (`demos/ui/pieces/taking.js`).
"""
