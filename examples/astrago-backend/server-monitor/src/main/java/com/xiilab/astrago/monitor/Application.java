package com.xiilab.astrago.monitor;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Asks the core service every ten seconds how it is. */
public final class Application {
    private Application() {}

    public static void main(String[] arguments) throws InterruptedException {
        HttpClient client = HttpClient.newHttpClient();
        URI health = URI.create(System.getenv().getOrDefault("CORE_HEALTH", "http://core:8080/health"));
        while (true) {
            try {
                System.out.println(client.send(HttpRequest.newBuilder(health).build(), BodyHandlers.ofString()).body());
            } catch (IOException unreachable) {
                System.out.println("core does not answer: " + unreachable.getMessage());
            }
            Thread.sleep(10_000);
        }
    }
}
