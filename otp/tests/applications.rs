//! What applications promise.

use holm::{Event, Notice, Pid, Process, Reason, block_on};
use holm_otp::{
    application::{Application, ApplicationError, Applications, Host, Kind, Spec, Start, StartError},
    proc_lib::{self, StartOptions},
};
use std::time::Duration;

/// Tells a process what happens to it. Its root ends as it is told to, and says when it ends in order.
struct Told {
    to: Pid<String>,
    fails: Option<Reason>,
}

impl Application for Told {
    type State = (String, Pid<String>);

    async fn start(&self, host: &mut Host, start: &Start) -> Result<(Pid, Self::State), Reason> {
        let (to, name) = (self.to, start.name.clone());
        to.send(format!("start {name}")).unwrap();
        if let Some(reason) = &self.fails {
            return Err(reason.clone());
        }
        let root_name = name.clone();
        let root = async move |mut me: Process<Reason>, starting: proc_lib::Starting| {
            me.trap_exits(true);
            starting.ready();
            match me.next().await {
                Event::Message(reason) => reason,
                Event::Notice(notice) => {
                    assert!(matches!(notice, Notice::Exit { reason: Reason::Shutdown, .. }), "{notice:?}");
                    to.send(format!("root of {root_name} ends")).unwrap();
                    Reason::Shutdown
                }
            }
        };
        let root = proc_lib::start_link(host, StartOptions::new().name(&name), root).await.map_err(Reason::error)?;
        Ok((root.untyped(), (name, to)))
    }

    async fn prep_stop(&self, (name, to): &mut Self::State) {
        to.send(format!("prepare {name}")).unwrap();
    }

    async fn stop(&self, (name, to): Self::State) {
        to.send(format!("stop {name}")).unwrap();
    }
}

/// Runs with a controller that has `web → store → log` and `fails → log` loaded.
fn with_applications<Fut>(program: impl FnOnce(Process<String>, Applications) -> Fut + Send + 'static)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    block_on(async move |mut me: Process<String>| {
        me.trap_exits(true);
        let applications = Applications::start_link(&mut me).await.unwrap();
        let to = me.pid();
        let spec = |name: &str, fails| Spec::new(name, Told { to, fails });
        let specs = [
            spec("web", None).needs("store"),
            spec("store", None).needs("log"),
            spec("log", None),
            spec("fails", Some(Reason::error("no disk"))).needs("log"),
        ];
        for spec in specs {
            applications.load(&mut me, spec).await.unwrap();
        }
        program(me, applications).await;
    })
    .unwrap();
}

async fn heard(me: &mut Process<String>) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(text) = me.receive_within(Duration::ZERO).await {
        heard.push(text);
    }
    heard
}

async fn is_running(me: &mut Process<String>, applications: Applications, names: &[&str]) {
    assert_eq!(applications.running(me).await.unwrap(), names);
}

/// Ends a root by itself.
fn end_root(name: &str, reason: Reason) {
    holm::whereis::<Reason>(name).unwrap().send(reason).unwrap();
}

#[test]
fn they_start_after_what_they_need_and_stop_before_it() {
    with_applications(async |mut me, applications| {
        let started = applications.start_all(&mut me, "web", Kind::Temporary).await.unwrap();
        assert_eq!(started, ["log", "store", "web"]);
        assert_eq!(heard(&mut me).await, ["start log", "start store", "start web"]);
        let needed = ApplicationError::Needed { application: "store".into(), by: "web".into() };
        assert_eq!(applications.stop(&mut me, "store").await, Err(needed));
        applications.stop(&mut me, "web").await.unwrap();
        assert_eq!(heard(&mut me).await, ["prepare web", "root of web ends", "stop web"]);
        assert_eq!(applications.start_all(&mut me, "web", Kind::Temporary).await.unwrap(), ["web"]);
        heard(&mut me).await;
        holm::exit(applications.pid(), Reason::Shutdown);
        let from = applications.pid();
        let exit = me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await;
        assert_eq!(exit, Notice::Exit { from, reason: Reason::Shutdown });
        let ends = heard(&mut me).await;
        let stops: Vec<_> = ends.iter().filter(|text| text.starts_with("stop")).collect();
        assert_eq!(stops, ["stop web", "stop store", "stop log"]);
        assert_eq!(ends.len(), 9);
    });
}

#[test]
fn what_cannot_start_is_said_with_its_names() {
    with_applications(async |mut me, applications| {
        let (to, own) = (me.pid(), &mut me);
        let not_started = ApplicationError::NotStarted { application: "store".into(), needed_by: "web".into() };
        assert_eq!(applications.start(own, "web", Kind::Temporary).await, Err(not_started));
        assert_eq!(
            applications.start(own, "nothing", Kind::Temporary).await,
            Err(ApplicationError::NotLoaded("nothing".into()))
        );
        for spec in [
            Spec::new("a", Told { to, fails: None }).needs("b"),
            Spec::new("b", Told { to, fails: None }).needs("a"),
            Spec::new("c", Told { to, fails: None }).needs("nothing"),
        ] {
            applications.load(own, spec).await.unwrap();
        }
        let cycle = ApplicationError::Cycle(["a", "b", "a"].map(String::from).to_vec());
        assert_eq!(applications.start_all(own, "a", Kind::Temporary).await, Err(cycle));
        let missing = ApplicationError::Missing { application: "nothing".into(), needed_by: "c".into() };
        assert_eq!(applications.start_all(own, "c", Kind::Temporary).await, Err(missing));
        let twice = applications.load(own, Spec::new("a", Told { to, fails: None })).await;
        assert_eq!(twice, Err(ApplicationError::AlreadyLoaded("a".into())));
        assert!(heard(own).await.is_empty(), "nothing was started");
        applications.unload(own, "a").await.unwrap();
        assert_eq!(applications.unload(own, "a").await, Err(ApplicationError::NotLoaded("a".into())));
    });
}

#[test]
fn a_start_that_fails_takes_back_what_was_started_for_it() {
    with_applications(async |mut me, applications| {
        let error = StartError::Failed(Reason::error("no disk"));
        let failed = Err(ApplicationError::Failed { application: "fails".into(), error });
        assert_eq!(applications.start_all(&mut me, "fails", Kind::Permanent).await, failed);
        let seen = heard(&mut me).await;
        assert_eq!(seen, ["start log", "start fails", "prepare log", "root of log ends", "stop log"]);
        is_running(&mut me, applications, &[]).await;
        applications.start(&mut me, "log", Kind::Temporary).await.unwrap();
        assert_eq!(applications.start_all(&mut me, "fails", Kind::Permanent).await, failed);
        is_running(&mut me, applications, &["log"]).await;
        let again = applications.start(&mut me, "log", Kind::Temporary).await;
        assert_eq!(again, Err(ApplicationError::AlreadyStarted("log".into())));
    });
}

/// Starts log and store, ends the store's root by itself, and says what became of the controller, if it ended.
fn end_of(kind: Kind, reason: Reason) -> Option<Reason> {
    let (tell, told) = std::sync::mpsc::channel();
    with_applications(async move |mut me, applications| {
        applications.start(&mut me, "log", Kind::Temporary).await.unwrap();
        applications.start(&mut me, "store", kind).await.unwrap();
        end_root("store", reason);
        while me.receive().await != "stop store" {}
        // Until the controller has heard of the end too, and either forgets the store or ends itself.
        loop {
            match applications.running(&mut me).await {
                Ok(running) if running == ["log"] => return tell.send(None).unwrap(),
                Ok(_) => holm::yield_now().await,
                Err(_) => break,
            }
        }
        let exit = me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await;
        assert!(heard(&mut me).await.contains(&"stop log".to_string()), "the others are stopped first");
        match exit {
            Notice::Exit { from, reason } if from == applications.pid() => tell.send(Some(reason)).unwrap(),
            other => panic!("{other:?}"),
        }
    });
    told.recv().unwrap()
}

#[test]
fn the_end_of_an_application_means_what_its_kind_says() {
    let error = Reason::error("the store is lost");
    assert_eq!(end_of(Kind::Permanent, error.clone()), Some(error.clone()));
    assert_eq!(end_of(Kind::Permanent, Reason::Normal), Some(Reason::Normal));
    assert_eq!(end_of(Kind::Transient, error.clone()), Some(error.clone()));
    assert_eq!(end_of(Kind::Transient, Reason::Normal), None);
    assert_eq!(end_of(Kind::Temporary, error), None);
}

#[test]
fn one_that_is_stopped_ends_nobody_and_can_start_again_with_other_values() {
    struct Reads(Pid<String>);
    impl Application for Reads {
        type State = ();
        async fn start(&self, host: &mut Host, start: &Start) -> Result<(Pid, ()), Reason> {
            let colour: Option<String> = start.environment.get("colour");
            self.0.send(format!("{colour:?}, {:?}", start.kind)).unwrap();
            let root = host.spawn_link(async |mut me: Process<()>| me.receive().await);
            Ok((root.map_err(Reason::error)?.untyped(), ()))
        }
    }
    with_applications(async |mut me, applications| {
        let spec = Spec::new("reads", Reads(me.pid()));
        let environment = spec.environment();
        environment.set("colour", "green".to_string());
        applications.load(&mut me, spec).await.unwrap();
        applications.start(&mut me, "reads", Kind::Permanent).await.unwrap();
        assert_eq!(me.receive().await, "Some(\"green\"), Permanent");
        applications.stop(&mut me, "reads").await.unwrap();
        let stopped = applications.stop(&mut me, "reads").await;
        assert_eq!(stopped, Err(ApplicationError::NotRunning("reads".into())));
        assert!(environment.unset("colour") && !environment.unset("colour"));
        applications.start(&mut me, "reads", Kind::Transient).await.unwrap();
        assert_eq!(me.receive().await, "None, Transient");
        is_running(&mut me, applications, &["reads"]).await;
    });
}

#[test]
fn a_start_that_panics_is_a_value() {
    struct Panics;
    impl Application for Panics {
        type State = ();
        async fn start(&self, _: &mut Host, _: &Start) -> Result<(Pid, ()), Reason> {
            panic!("in a start")
        }
    }
    with_applications(async |mut me, applications| {
        applications.load(&mut me, Spec::new("panics", Panics)).await.unwrap();
        let failed = applications.start(&mut me, "panics", Kind::Permanent).await.unwrap_err();
        let text = failed.to_string();
        assert!(text.starts_with("panics did not start: the process failed to start: panic: in a start"), "{text}");
        is_running(&mut me, applications, &[]).await;
        assert_eq!(me.next_within(Duration::from_millis(10)).await, None);
    });
}
