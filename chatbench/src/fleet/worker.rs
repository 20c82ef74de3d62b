//! One thread of the fleet, from the first connection to the last byte.

mod connection;
mod world;

use super::{Connecting, ERRORS, Harvest, Live, Setup};
use crate::process::thread_cpu;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinSet, LocalSet, yield_now};
use tokio::time::{sleep_until, timeout};
use world::World;

/// How long the answers to repeated sends may take.
const REPEAT: Duration = Duration::from_secs(5);
/// Sends made without a look at the sockets, when the plan is behind.
const STREAK: u32 = 64;

/// How a thread is told what to do, and where it reports.
pub(super) struct Orders {
    pub(super) begin: watch::Receiver<Option<super::Begin>>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) report: oneshot::Sender<Connecting>,
}

/// Runs a thread to its end; none when the run was given up before the plan began.
pub(super) fn run(thread: usize, setup: Arc<Setup>, live: Arc<Live>, orders: Orders) -> Option<Harvest> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    LocalSet::new().block_on(&runtime, serve(thread, setup, live, orders))
}

async fn serve(thread: usize, setup: Arc<Setup>, live: Arc<Live>, mut orders: Orders) -> Option<Harvest> {
    let world = Rc::new(World::new(thread, setup, live));
    let connecting = connect(&world, &mut orders.stop).await;
    orders.report.send(connecting).ok()?;
    let begin = orders.begin.wait_for(Option::is_some).await.ok()?.clone()?;
    world.begin(begin);
    let busy = tokio::task::spawn_local(busy(world.clone()));
    send(&world, &mut orders.stop).await;
    drain(&world).await;
    repeat(&world).await;
    let interrupted = *orders.stop.borrow();
    let share = if interrupted { 0.0 } else { busy.await.unwrap_or_default() };
    Some(world.end(share))
}

/// Connects this thread's users, a bounded number at a time.
async fn connect(world: &Rc<World>, stop: &mut watch::Receiver<bool>) -> Connecting {
    let permits = Arc::new(Semaphore::new(world.setup.connecting));
    let mut attempts = JoinSet::new();
    for user in world.users() {
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let world = world.clone();
        attempts.spawn_local(async move {
            let outcome = Box::pin(connection::establish(&world, user)).await;
            drop(permit);
            outcome.map(|(reader, socket)| {
                world.enter(user, socket.clone());
                tokio::task::spawn_local(connection::listen(world, reader, socket, user));
            })
        });
    }
    let mut result = Connecting::default();
    while let Some(outcome) = attempts.join_next().await {
        match outcome {
            Ok(Ok(())) => result.connected += 1,
            Ok(Err(failure)) => {
                result.local_failures += usize::from(failure.local);
                result.errors.push(failure.what);
                result.errors.truncate(ERRORS);
            }
            Err(error) => result.errors.push(error.to_string()),
        }
    }
    result
}

/// Sends each message at its planned time, or as soon after as it can. Nothing else is waited for.
async fn send(world: &Rc<World>, stop: &mut watch::Receiver<bool>) {
    let Some(plan) = world.plan().cloned() else {
        return;
    };
    let mut streak = 0;
    for number in 0..plan.schedule.len() {
        let planned = plan.schedule.send(number);
        if !world.serves(planned.user) {
            continue;
        }
        let due = plan.start + Duration::from_micros(planned.at);
        if Instant::now() < due {
            streak = 0;
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep_until(due.into()) => {}
            }
        } else {
            streak += 1;
            if streak % STREAK == 0 {
                yield_now().await;
                if *stop.borrow() {
                    return;
                }
            }
        }
        world.send(planned);
    }
}

/// Waits until everything has been answered and received, no longer than the drain lasts.
async fn drain(world: &Rc<World>) {
    let _late = timeout(world.setup.drain, world.complete()).await;
}

/// Repeats each send that was not answered once, under the same client id, to learn what became of it.
async fn repeat(world: &Rc<World>) {
    if world.repeat() > 0 {
        let _late = timeout(REPEAT, world.complete()).await;
    }
}

/// This thread's share of the hold on a CPU.
async fn busy(world: Rc<World>) -> f64 {
    let Some(plan) = world.plan().cloned() else {
        return 0.0;
    };
    let at = |micros| (plan.start + Duration::from_micros(micros)).into();
    sleep_until(at(plan.schedule.warmup())).await;
    let (cpu, wall) = (thread_cpu(), Instant::now());
    sleep_until(at(plan.schedule.end())).await;
    (thread_cpu() - cpu).as_secs_f64() / wall.elapsed().as_secs_f64().max(0.001)
}
