//! The writer between a real broker and a real database.

mod edge;
mod scene;

mod bucket;
mod faults;
mod finishing;
mod half_broken;
mod killed;
mod load;
mod lost_answers;
mod outages;
mod recording;
mod sharing;
mod signed;
mod synced;
mod watermarks;
