using System.Numerics;
using Nethereum.Contracts.CQS;

namespace Nethereum.Contracts.CQS
{
    /// <summary>What a function call and a deployment share. Amounts and fees in wei; null fees and gas are filled in when it is sent.</summary>
    public abstract class ContractMessageBase
    {
        public BigInteger AmountToSend { get; set; }

        public BigInteger? Gas { get; set; }

        public BigInteger? GasPrice { get; set; }

        public string FromAddress { get; set; }

        public BigInteger? Nonce { get; set; }

        public BigInteger? MaxFeePerGas { get; set; }

        public BigInteger? MaxPriorityFeePerGas { get; set; }
    }
}

namespace Nethereum.Contracts
{
    /// <summary>A call of a contract function; [Parameter] properties are its arguments.</summary>
    public class FunctionMessage : ContractMessageBase;

    /// <summary>A deployment; [Parameter] properties are the constructor's arguments.</summary>
    public class ContractDeploymentMessage : ContractMessageBase
    {
        public ContractDeploymentMessage(string byteCode) => ByteCode = byteCode;

        /// <summary>Creation code as hexadecimal, without the arguments.</summary>
        public string ByteCode { get; set; }
    }
}
