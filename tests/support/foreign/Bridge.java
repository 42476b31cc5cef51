// A bridge that knows the two schemas and nothing else of us: java -cp JARS Bridge.java SERVERS PREFIX
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Bridge {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        String servers = arguments[0];
        String prefix = arguments[1];
        Map<String, Object> reading = Map.of(
            "bootstrap.servers", servers,
            "group.id", prefix + "bridge-in-java",
            "enable.auto.commit", "false",
            "auto.offset.reset", "earliest",
            "metadata.max.age.ms", "1000");
        Map<String, Object> writing = Map.of("bootstrap.servers", servers, "acks", "all");
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
             var producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer())) {
            consumer.subscribe(Pattern.compile("^" + Pattern.quote(prefix) + "task_requests\\..*"));
            while (true) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    String answer = answer(JSON.readTree(record.value()));
                    producer.send(new ProducerRecord<>(prefix + "task_responses", record.key(), answer)).get();
                }
                consumer.commitSync();
            }
        }
    }

    private static String answer(JsonNode request) throws Exception {
        JsonNode payload = request.get("payload");
        ObjectNode result = JSON.createObjectNode()
            .put("response", "Java heard: " + payload.get("message").asText())
            .put("requires_human_handoff", false)
            .put("session_id", payload.get("session_id").asText());
        result.putArray("sources").add("Bridge.java");
        result.putArray("suggested_actions");
        ObjectNode response = JSON.createObjectNode()
            .put("correlation_id", request.get("correlation_id").asText())
            .put("status", "SUCCESS");
        response.set("result", result);
        return JSON.writeValueAsString(response);
    }
}
