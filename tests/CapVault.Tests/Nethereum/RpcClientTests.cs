using System.Net;
using System.Text;
using System.Text.Json;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Web3;

namespace CapVault.Tests.NethereumApi;

/// <summary>What goes over the wire and what comes back, with a server that the test plays.</summary>
public class RpcClientTests
{
    [Fact]
    public async Task A_request_is_JSON_RPC_2_0_with_the_parameters_in_order()
    {
        var server = new Server("""{"jsonrpc":"2.0","id":7,"result":"0x10"}""");
        var result = await server.Client.SendRequestAsync<HexBigInteger>(new RpcRequest(7, "eth_x", "a", true, new BlockParameter(26), new HexBigInteger(5)));
        result.Value.Should().Be(16);
        server.Requests.Single().Should().Be("""{"id":7,"jsonrpc":"2.0","method":"eth_x","params":["a",true,"0x1a","0x5"]}""");
    }

    [Fact]
    public async Task Fields_that_are_not_set_are_left_out()
    {
        var server = new Server("""{"jsonrpc":"2.0","id":1,"result":"0x"}""");
        await server.Web3.Eth.Transactions.Call.SendRequestAsync(new CallInput("0x01", "0x02"));
        JsonDocument.Parse(server.Requests.Single()).RootElement.GetProperty("params").GetRawText().Should().Be("""[{"to":"0x02","data":"0x01"},"latest"]""");
    }

    [Fact]
    public async Task A_filter_has_addresses_topics_and_blocks()
    {
        var server = new Server("""{"jsonrpc":"2.0","id":1,"result":[]}""");
        await server.Web3.Eth.Filters.GetLogs.SendRequestAsync(new NewFilterInput
        {
            FromBlock = new BlockParameter(1),
            ToBlock = BlockParameter.CreateLatest(),
            Address = ["0xaa"],
            Topics = [new[] { "0x01", "0x02" }, null!, "0x03"],
        });
        JsonDocument.Parse(server.Requests.Single()).RootElement.GetProperty("params")[0].GetRawText()
            .Should().Be("""{"fromBlock":"0x1","toBlock":"latest","address":["0xaa"],"topics":[["0x01","0x02"],null,"0x03"]}""");
    }

    [Fact]
    public async Task Results_become_the_type_that_was_asked_for()
    {
        (await new Server("""{"id":1,"result":true}""").Client.SendRequestAsync<bool>("m")).Should().BeTrue();
        (await new Server("""{"id":1,"result":"text"}""").Client.SendRequestAsync<string>("m")).Should().Be("text");
        (await new Server("""{"id":1,"result":["0x1","0x2"]}""").Client.SendRequestAsync<string[]>("m")).Should().Equal("0x1", "0x2");
        (await new Server("""{"id":1,"result":null}""").Client.SendRequestAsync<TransactionReceipt>("m")).Should().BeNull();
        var own = await new Server("""{"id":1,"result":[{"success":true,"gasUsed":"0x5","inner":{"data":"0x"},"unknown":1}]}""").Client.SendRequestAsync<List<Own>>("m");
        own.Should().BeEquivalentTo([new Own { Success = true, GasUsed = new HexBigInteger(5), Inner = new Own.Part { Data = "0x" } }]);
    }

    [Fact]
    public async Task Receipts_and_blocks_have_the_names_of_the_node()
    {
        var receipt = await new Server("""
            {"id":1,"result":{"transactionHash":"0x01","transactionIndex":"0x0","blockHash":"0x02","blockNumber":"0x10","from":"0x03","to":null,"contractAddress":"0x04","gasUsed":"0x5208",
            "cumulativeGasUsed":"0x5208","effectiveGasPrice":"0x3b9aca00","status":"0x0","type":"0x2","logsBloom":"0x00",
            "logs":[{"address":"0x05","topics":["0x06","0x07"],"data":"0x08","blockNumber":"0x10","logIndex":"0x3","transactionIndex":"0x0","transactionHash":"0x01","blockHash":"0x02","removed":false}]}}
            """).Web3.Eth.Transactions.GetTransactionReceipt.SendRequestAsync("0x01");
        receipt.HasErrors().Should().BeTrue();
        receipt.GasUsed.Value.Should().Be(21_000);
        receipt.To.Should().BeNull();
        receipt.Logs.Single().Topics.Should().Equal("0x06", "0x07");
        receipt.Logs.Single().LogIndex.Value.Should().Be(3);

        var block = await new Server("""{"id":1,"result":{"number":"0x10","hash":"0x02","parentHash":"0x01","timestamp":"0x64","baseFeePerGas":"0x7","transactions":["0x0a"]}}""")
            .Web3.Eth.Blocks.GetBlockWithTransactionsHashesByHash.SendRequestAsync("0x02");
        (block.Number.Value, block.BlockHash, block.ParentHash, block.Timestamp.Value, block.BaseFeePerGas.Value).Should().Be((16, "0x02", "0x01", 100, 7));
        block.TransactionHashes.Should().Equal("0x0a");
    }

    [Theory]
    [InlineData("\"0x08c379a0\"", "0x08c379a0")]
    [InlineData("{\"a\":1}", "{\"a\":1}")]
    public async Task An_error_of_the_node_keeps_code_message_and_data(string data, string text)
    {
        var server = new Server($$$"""{"jsonrpc":"2.0","id":1,"error":{"code":-32521,"message":"execution reverted","data":{{{data}}}}}""");
        var error = (await server.Client.Awaiting(c => c.SendRequestAsync<string>("eth_call")).Should().ThrowAsync<RpcResponseException>()).Which.RpcError;
        error.Code.Should().Be(-32521);
        error.Message.Should().StartWith("execution reverted");
        error.GetDataAsString().Should().Be(text);
    }

    [Fact]
    public async Task Answers_of_a_batch_go_to_their_requests_in_any_order()
    {
        var server = new Server("""[{"id":1,"result":{"transactionHash":"0xb"}},{"id":0,"result":{"transactionHash":"0xa"}}]""");
        var receipts = await server.Web3.Eth.Transactions.GetTransactionReceipt.SendBatchRequestAsync(["0xa", "0xb"]);
        receipts.Select(r => r.TransactionHash).Should().Equal("0xa", "0xb");
        JsonDocument.Parse(server.Requests.Single()).RootElement.GetArrayLength().Should().Be(2);
    }

    [Fact]
    public async Task An_error_in_a_batch_is_thrown_or_left_with_its_item()
    {
        const string answer = """[{"id":0,"error":{"code":-32000,"message":"nonce too low"}},{"id":1,"result":"0x01"}]""";
        var throwing = new Server(answer);
        await throwing.Web3.Eth.Transactions.SendRawTransaction.Awaiting(s => s.SendBatchRequestAsync("0xa", "0xb")).Should().ThrowAsync<RpcResponseBatchException>();

        var partial = new Server(answer);
        var send = partial.Web3.Eth.Transactions.SendRawTransaction;
        var batch = new RpcRequestResponseBatch { AcceptPartiallySuccessful = true };
        batch.BatchItems.AddRange([send.CreateBatchItem("0xa", 0), send.CreateBatchItem("0xb", 1)]);
        await partial.Client.SendBatchRequestAsync(batch);
        (batch.BatchItems[0].HasError, batch.BatchItems[0].RpcError.Message).Should().Be((true, "nonce too low"));
        (batch.BatchItems[1].HasError, batch.BatchItems[1].RawResponse).Should().Be((false, "0x01"));
    }

    [Theory]
    [InlineData(HttpStatusCode.BadGateway, "{}")]
    [InlineData(HttpStatusCode.OK, "<html>")]
    public async Task What_is_no_answer_is_told_apart_from_an_error_of_the_node(HttpStatusCode status, string body) =>
        await new Server(body, status).Client.Awaiting(c => c.SendRequestAsync<string>("m")).Should().ThrowAsync<RpcClientUnknownException>();

    [Fact]
    public async Task A_refused_connection_is_no_answer() => await new RpcClient(new Uri("http://127.0.0.1:1/"))
        .Awaiting(c => c.SendRequestAsync<string>("m")).Should().ThrowAsync<RpcClientUnknownException>();

    [Fact]
    public async Task Silence_is_a_timeout()
    {
        var before = ClientBase.ConnectionTimeout;
        ClientBase.ConnectionTimeout = TimeSpan.FromMilliseconds(200);
        try
        {
            await new Server(answer: null).Client.Awaiting(c => c.SendRequestAsync<string>("m")).Should().ThrowAsync<RpcClientTimeoutException>();
        }
        finally
        {
            ClientBase.ConnectionTimeout = before;
        }
    }

    public class Own
    {
        public bool Success { get; set; }

        public HexBigInteger? GasUsed { get; set; }

        public Part? Inner { get; set; }

        public class Part
        {
            public string? Data { get; set; }
        }
    }

    private sealed class Server : HttpMessageHandler
    {
        private readonly string? answer;
        private readonly HttpStatusCode status;

        public Server(string? answer, HttpStatusCode status = HttpStatusCode.OK)
        {
            this.answer = answer;
            this.status = status;
            Client = new RpcClient(new Uri("http://node.test/"), new HttpClient(this));
            Web3 = new Web3(Client);
        }

        public RpcClient Client { get; }

        public Web3 Web3 { get; }

        public List<string> Requests { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            if (answer is null)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return new HttpResponseMessage(status) { Content = new StringContent(answer!, Encoding.UTF8, "application/json") };
        }
    }
}
