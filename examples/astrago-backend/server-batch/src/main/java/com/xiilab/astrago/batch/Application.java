package com.xiilab.astrago.batch;

import java.time.Duration;
import java.time.Instant;

/** Works off what is due, once a minute. */
public final class Application {
    private Application() {}

    public static void main(String[] arguments) throws InterruptedException {
        while (true) {
            System.out.println(Instant.now() + " batch: nothing is due");
            Thread.sleep(Duration.ofMinutes(1).toMillis());
        }
    }
}
